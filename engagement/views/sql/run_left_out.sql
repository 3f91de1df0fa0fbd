-- One row per reason in a run: learners who are not contacted.
select
    reason,
    count(*) as learners
from contact_decisions
where run_id = $run_id and reason is not null
group by reason
order by learners desc, reason;
