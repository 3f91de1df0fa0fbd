-- One row per enrolment: what the loader wants of a learner, from rows dated before $as_of_day.
with coursework as (

    select
        id_assessment,
        coalesce(date < $as_of_day, false) as is_due
    from temp.oulad_assessments
    where assessment_type is distinct from 'Exam'

),

planned as (

    select
        count(*) as assessments,
        count(*) filter (where is_due) as assessments_due
    from coursework

),

submitted as (

    select
        work.id_student,
        count(distinct work.id_assessment) as assessments,
        count(distinct work.id_assessment) filter (where coursework.is_due) as assessments_due,
        avg(work.score) filter (where work.is_banked is distinct from 1) as mean_score
    from temp.oulad_studentassessment as work
    inner join coursework on work.id_assessment = coursework.id_assessment
    where work.date_submitted < $as_of_day
    group by work.id_student

),

clicked as (

    select
        id_student,
        max(date) as last_day
    from temp.oulad_studentvle
    where date < $as_of_day
    group by id_student

),

measured as (

    select
        enrolments.*,
        clicked.last_day,
        -- null where nothing was planned, or nothing is due
        100 * coalesce(submitted.assessments, 0) / nullif(planned.assessments, 0) as of_course,
        100 * coalesce(submitted.assessments_due, 0) / nullif(planned.assessments_due, 0) as of_due,
        submitted.mean_score,
        greatest($as_of_day, 0) // 7 as weeks,
        ($as_of_day - 1 - clicked.last_day) // 7 as weeks_away
    from temp.oulad_enrolments as enrolments
    cross join planned
    left join submitted on enrolments.id_student = submitted.id_student
    left join clicked on enrolments.id_student = clicked.id_student

),

final as (

    select
        learner_id as id,
        null::text as name,
        null::text as email,
        null::text as phone,
        $module as program,
        $starts_on + to_days(last_day) as last_login,
        round(case when $basis = 'due' then of_due else of_course end, 4) as completed_percent,
        round(mean_score, 4) as avg_quiz_score,
        case when weeks_away < weeks then weeks_away else weeks end as consecutive_missed_sessions,
        round(of_course, 4) as completed_percent_course,
        round(of_due, 4) as completed_percent_due,
        id_student::text as person_id,
        $presentation as cohort,
        enrolled_at,
        date_unregistration is null as active
    from measured

)

select * from final
order by id, enrolled_at;
