-- One row per outcome dated before $as_of_day: who unregistered, and how the presentation ended for the others.
with unregistered as (

    select
        learner_id,
        'course_withdrawn' as type,
        date_unregistration as day_offset
    from temp.oulad_enrolments
    where date_unregistration is not null

),

results as (

    select
        enrolments.learner_id,
        case info.final_result
            when 'Pass' then 'course_passed'
            when 'Distinction' then 'course_distinction'
            when 'Fail' then 'course_failed'
            when 'Withdrawn' then 'course_withdrawn'
        end as type,
        courses.module_presentation_length as day_offset
    from temp.oulad_enrolments as enrolments
    inner join temp.oulad_studentinfo as info on enrolments.id_student = info.id_student
    cross join temp.oulad_courses as courses
    where
        info.final_result is not null
        and courses.module_presentation_length < $as_of_day
        -- said above already, with its day
        and not (info.final_result = 'Withdrawn' and enrolments.date_unregistration is not null)

),

outcomes as (

    select * from unregistered

    union all

    select * from results

),

final as (

    select
        learner_id,
        type,
        $starts_on + to_days(day_offset) as timestamp
    from outcomes

)

select * from final
order by timestamp, learner_id, type;
