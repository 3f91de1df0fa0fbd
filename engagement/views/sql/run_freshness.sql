-- One row: since when the newest facts known at $as_of are known, their age in days when the run decides, $now (facts
-- of a date lie at its end, which is still to come), what a run cannot have scored, and the odd cells of the
-- newest load.
select
    max(least(observed_at, $now)) as newest_facts,
    (epoch($now - max(least(observed_at, $now))) / 86400)::double as age_days,
    (select count(*) from run_scores where run_id = $run_id and login_in_future) as logins_in_future,
    (
        select count(*)
        from learners
        where
            active_at(active, inactive_since, $as_of)
            and id not in (select learner_id from learner_facts where observed_at <= $as_of)
    ) as without_facts,
    (
        select loads.odd_cells
        from loads
        where loads.kind = 'learners' and loads.observed_at <= $as_of
        order by loads.load_id desc
        limit 1
    ) as odd_cells
from learner_facts
where observed_at <= $as_of;
