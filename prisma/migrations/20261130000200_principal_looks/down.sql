ALTER TABLE "principals" DROP COLUMN "look";
