-- Balances are updated far more often than added; room in the page keeps the update off the indexes.
ALTER TABLE accounts SET (fillfactor = 60);
ALTER TABLE counters SET (fillfactor = 60);
ALTER TABLE writers SET (fillfactor = 20);
