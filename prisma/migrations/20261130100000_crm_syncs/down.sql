DROP TABLE "crm_syncs";
