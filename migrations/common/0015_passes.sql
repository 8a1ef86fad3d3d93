-- The terms of a product that is a pass, as JSON; none of any other.
ALTER TABLE products ADD COLUMN pass TEXT;
