-- One row per pair of labels: how many learners went from the one to the other; who is new comes from none.
select
    before.risk_label as "from",
    after.risk_label as "to",
    count(*) as learners
from temp.scored as after
left join temp.scored_before as before on after.learner_id = before.learner_id
where before.risk_label is distinct from after.risk_label
group by all
order by learners desc, "from", "to";
