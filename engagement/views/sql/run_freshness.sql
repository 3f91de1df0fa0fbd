-- One row: the newest fact known at $as_of, its age in days, and what a run cannot have scored.
select
    max(observed_at) as newest_facts,
    (epoch($as_of - max(observed_at)) / 86400)::double as age_days,
    (select count(*) from run_scores where run_id = $run_id and login_in_future) as logins_in_future,
    (
        select count(*)
        from learners
        where
            active_at(active, inactive_since, $as_of)
            and id not in (select learner_id from learner_facts where observed_at <= $as_of)
    ) as without_facts
from learner_facts
where observed_at <= $as_of;
