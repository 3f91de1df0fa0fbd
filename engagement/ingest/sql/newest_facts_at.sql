-- One row: when the newest fact was observed that was known at $as_of (null: of all), null where there is none.
select max(observed_at) as newest_facts
from learner_facts
where $as_of is null or observed_at <= $as_of;
