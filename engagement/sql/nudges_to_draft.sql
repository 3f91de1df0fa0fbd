-- One row per learner whom the run contacts and who has no nudge of this campaign, channel and period yet, worst first.
with wanted as (

    select
        *,
        sha256(concat_ws('|', person_id, $campaign, channel, $period)) as id
    from contact_decisions
    where run_id = $run_id and decision = 'contact'

),

final as (

    select
        wanted.id,
        wanted.learner_id,
        wanted.person_id,
        wanted.type,
        wanted.channel,
        wanted.risk_score,
        wanted.risk_label,
        learners.program,
        learners.locale
    from wanted
    inner join learners on wanted.learner_id = learners.id
    left join nudges on wanted.id = nudges.id
    where nudges.id is null
    order by wanted.priority

)

select * from final;
