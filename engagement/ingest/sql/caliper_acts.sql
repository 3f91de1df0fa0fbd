-- One row per event of `named`, which has the places of caliper.toml: who did what, when and in which course.
with parts as (

    select
        *,
        regexp_extract(actor, '([^:]*)$', 1) as actor_is,
        kind = 'Event' and action = 'Created' and object_type is not null as is_enrolling,
        kind = 'Event' and action = 'Modified' and contains(object, ':enrollment:') as is_changing,
        kind = 'GradeEvent' as is_grading,
        try_cast(raw as double) as points,
        try_cast(high as double) as most
    from named

)

select
    line,
    is_broken,
    id,
    case
        when is_enrolling then regexp_extract(enrolled, '([^:]*)$', 1)
        when is_changing then null
        when is_grading then regexp_extract(assignee, '([^:]*)$', 1)
        else nullif(coalesce(member, actor_is), '')
    end as who,
    case when is_enrolling then enrolled_name else member_name end as name,
    case
        when is_enrolling or is_changing or is_grading then null
        when contains(member_mail, '@') then member_mail
        when member is null and contains(login, '@') then login
    end as email,
    case
        when not coalesce(is_enrolling or is_changing or is_grading, false) and member is null then sis_id
    end as person_id,
    regexp_extract(coalesce(enrolled_course, course, ''), '([^:]*)$', 1) as course,
    course_name,
    null::text as course_group,
    at_text,
    case when is_enrolling then begins end as begins_text,
    case
        when is_enrolling then 'enrolled'
        when is_changing then 'enrolment changed'
        else coalesce(event_name, concat_ws(' ', kind, action))
    end as verb,
    case when is_enrolling or is_changing then coalesce(state, '') else '' end as object,
    '' as profile,
    true as alone,
    points is not null as scored,
    generated as item,
    case when most > 0 then 100 * points / most end as percent,
    false as at_odds,
    case
        when try_cast(to_do as double) > 0 then 100 * try_cast(done as double) / try_cast(to_do as double)
    end as progress,
    null::boolean as completion,
    case when is_enrolling or is_changing then entity end as enrolment_id,
    case
        when is_enrolling and object_type <> 'StudentEnrollment' then 'no learner, by the role'
        when is_enrolling or is_changing then null
        when actor_type <> 'Person' then 'actor is an application'
        when real_user is not null then 'somebody else acts on the learner'
        when coalesce(member, actor_is, '') = '' then 'no user'
    end as why
from parts
