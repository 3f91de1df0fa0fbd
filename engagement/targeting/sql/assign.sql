-- One row per person whom the run contacts, or would if chance did not let them wait, and who was not assigned before.
insert into assignments by name
with compared as (

    select
        learners.person_id,
        learners.person_number,
        case when bool_or(decided.decision = 'contact') then 'nudge' else 'control' end as arm
    from temp.decided
    inner join learners on decided.learner_id = learners.id
    where decided.decision = 'contact' or decided.reason = 'held_out'
    group by learners.person_id, learners.person_number

),

final as (

    select
        $experiment as experiment_id,
        compared.person_id,
        compared.arm,
        $decides_at as assigned_at,
        $ends_at as ends_at,
        $run_id as run_id
    from compared
    where
        compared.person_number not in (
            select published_assignments.person_number
            from published_assignments
            where published_assignments.experiment_id = $experiment
        )
        -- who waits in another experiment shows nothing in this one
        and compared.person_number not in (select others.person_number from waiting_persons($decides_at) as others)

)

select * from final;
