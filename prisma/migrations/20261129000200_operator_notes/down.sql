DROP TABLE "operator_notes";
