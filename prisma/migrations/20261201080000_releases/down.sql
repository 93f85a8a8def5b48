DROP TABLE "releases";
