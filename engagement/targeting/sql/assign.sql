-- One row per person whom the run contacts, or would if chance did not let them wait, and who was not assigned before.
insert into assignments by name
with compared as (

    select
        person_id,
        case when bool_or(decision = 'contact') then 'nudge' else 'control' end as arm
    from temp.decided
    where decision = 'contact' or reason = 'held_out'
    group by person_id

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
        compared.person_id not in (
            select published_assignments.person_id
            from published_assignments
            where published_assignments.experiment_id = $experiment
        )
        -- who waits in another experiment shows nothing in this one
        and compared.person_id not in (
            select others.person_id
            from published_assignments as others
            where others.arm = 'control' and others.assigned_at <= $decides_at and others.ends_at > $decides_at
        )

)

select * from final;
