-- One row per active learner of a cohort with facts at $as_of: what the formula needs, and nothing that names them.
with known as (

    select *
    from learner_facts
    where observed_at <= $as_of
    qualify row_number() over (partition by learner_id order by observed_at desc, load_id desc) = 1

),

final as (

    select
        learners.id,
        learners.program,
        learners.cohort,
        known.completed_percent,
        known.avg_quiz_score,
        known.consecutive_missed_sessions,
        case
            when coalesce(known.last_login, learners.enrolled_at) is null then null
            when coalesce(known.last_login, learners.enrolled_at) > $as_of then 0
            else (epoch_us($as_of) - epoch_us(coalesce(known.last_login, learners.enrolled_at))) / 86400e6
        end::double as days_inactive
    from learners
    inner join known on learners.id = known.learner_id
    where learners.active and ($program is null or learners.program = $program)

)

select * from final
order by id;
