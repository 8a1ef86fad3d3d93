-- Rows that sales change lie in pages with room, so that a change stays in its page and off the indexes.
ALTER TABLE members SET (fillfactor = 80);
ALTER TABLE member_days SET (fillfactor = 70);
ALTER TABLE lots SET (fillfactor = 80);
ALTER TABLE refundables SET (fillfactor = 80);
ALTER TABLE coupons SET (fillfactor = 80);
ALTER TABLE holds SET (fillfactor = 80);

-- Documents, facts and answers come compressed; the server need not try again.
ALTER TABLE orders ALTER COLUMN doc SET STORAGE EXTERNAL, ALTER COLUMN facts SET STORAGE EXTERNAL;
ALTER TABLE refunds ALTER COLUMN doc SET STORAGE EXTERNAL, ALTER COLUMN facts SET STORAGE EXTERNAL;
ALTER TABLE claims ALTER COLUMN doc SET STORAGE EXTERNAL, ALTER COLUMN facts SET STORAGE EXTERNAL;
ALTER TABLE evaluations ALTER COLUMN delta SET STORAGE EXTERNAL, ALTER COLUMN output SET STORAGE EXTERNAL;
