-- First day of the period a lot is for: what was paid becomes revenue evenly from it through the last day. None of what is
-- not for a period.
ALTER TABLE lots ADD COLUMN first_day BIGINT;
CREATE INDEX lots_of_periods ON lots (member, id) WHERE first_day IS NOT NULL AND remaining > 0;
-- The terms of a product that is a membership, as JSON; none of any other.
ALTER TABLE products ADD COLUMN membership TEXT;
