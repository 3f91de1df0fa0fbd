-- One row per learner: what all their acts say of them.
with acts as not materialized (

    select *
    from of_learners
    where who is not null and not is_again

),

of_items as (

    select
        who,
        item,
        case
            when bool_or(score = 'newest') then last(percent order by happened asc, line asc)
            else max(percent)
        end as percent
    from acts
    where score <> '' and item is not null
    group by who, item

),

scores as (

    select
        who,
        avg(least(percent, 100)) as avg_quiz_score
    from of_items
    where percent is not null
    group by who

),

-- a part of the course that nobody has begun is not known of
units as (

    select
        course_group,
        count(distinct item) as units
    from acts
    where unit <> ''
    group by course_group

),

done as (

    select
        acts.who,
        100 * count(distinct acts.item) filter (where acts.unit = 'done') / any_value(units.units) as done_percent
    from acts
    inner join units on acts.course_group is not distinct from units.course_group
    where acts.unit <> ''
    group by acts.who

),

courses as (

    select
        course_group,
        arg_max(course, (happened, line)) as course,
        arg_max(course_name, (happened, line)) as course_name
    from acts
    where course_group is not null and course is not null
    group by course_group

),

people as (

    select
        who,
        min(line) as line,
        arg_max(name, (happened, line)) filter (where name is not null) as name,
        arg_max(email, (happened, line)) filter (where email is not null) as email,
        arg_max(person_id, (happened, line)) filter (where person_id is not null) as person_id,
        arg_max(course, (happened, line)) filter (where course <> '' and (own or enrolment <> '')) as course,
        arg_max(course_name, (happened, line)) filter (where course <> '' and (own or enrolment <> '')) as course_name,
        arg_max(course_group, (happened, line)) filter (where course_group is not null) as course_group,
        min(coalesce(begins, happened)) filter (where enrolment = 'begins') as enrolled_at,
        max(happened) filter (where own) as last_login,
        arg_max(enrolment, (happened, line)) filter (where enrolment <> '') <> 'ends' as active,
        arg_max(progress, (happened, line)) filter (where progress is not null) as progress
    from acts
    group by who

),

final as (

    select
        people.line,
        people.who as id,
        people.person_id,
        people.name,
        people.email,
        coalesce(people.course, courses.course, people.course_group) as course,
        case when people.course is null then courses.course_name else people.course_name end as course_name,
        people.enrolled_at,
        people.last_login,
        coalesce(people.progress, done.done_percent) as completed_percent_course,
        scores.avg_quiz_score,
        people.active
    from people
    left join scores on people.who = scores.who
    left join done on people.who = done.who
    left join courses on people.course_group = courses.course_group

)

select * from final
order by id;
