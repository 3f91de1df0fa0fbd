-- One row per line of `named`, which has the places of tracking_log.toml: who did what, when and in which course.
with parts as (

    select
        *,
        -- an object, or an object in a text; a form's data is neither
        try(
            json_extract_string(
                case when starts_with(event, '{') then event end,
                ['$.user_id', '$.grade', '$.max_grade', '$.problem_id', '$.course_id']
            )
        ) as about,
        starts_with(name, 'edx.course.enrollment.') as is_enrolling
    from named

),

people as (

    select
        *,
        nullif(about[1], '') as about_user,
        try_cast(about[2] as double) as points,
        try_cast(about[3] as double) as most
    from parts

)

select
    line,
    is_broken,
    null::text as id,
    case when is_enrolling then coalesce(about_user, nullif(user_id, '')) else nullif(user_id, '') end as who,
    null::text as name,
    null::text as email,
    null::text as person_id,
    coalesce(nullif(course, ''), about[5]) as course,
    null::text as course_name,
    null::text as course_group,
    at_text,
    null::text as begins_text,
    name as verb,
    coalesce(source, '') as object,
    '' as profile,
    true as alone,
    most > 0 and points is not null as scored,
    about[4] as item,
    case when most > 0 then 100 * points / most end as percent,
    false as at_odds,
    null::double as progress,
    null::boolean as completion,
    null::text as enrolment_id,
    case
        when is_enrolling then case when coalesce(about_user, nullif(user_id, '')) is null then 'no user' end
        when coalesce(username, '') = '' or coalesce(user_id, '') = '' then 'no user'
        when about_user <> user_id then 'somebody else acts on the learner'
    end as why
from people
