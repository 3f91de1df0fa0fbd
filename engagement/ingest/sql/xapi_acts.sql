-- One row per statement of `named`, which has the places of xapi.toml: who did what, when and in which course.
with parts as (

    select
        *,
        case when contains(mail, '@') then lower(trim(regexp_replace(mail, '^mailto:', ''))) end as address,
        regexp_extract(verb, '([^/#]*)[/#]?$', 1) as verb_is,
        regexp_extract(coalesce(object, ''), '([^/#]*)[/#]?$', 1) as object_is,
        ends_with(category, '/cmi5/context/categories/cmi5') as is_cmi5,
        case
            when ends_with(object, '/course') then 0
            when ends_with(type_1, '/course') then 1
            when ends_with(type_2, '/course') then 2
            when ends_with(type_3, '/course') then 3
        end as course_at,
        try_cast(raw as double) as points,
        try_cast(scaled as double) as share,
        try_cast(high as double) as most,
        coalesce(try_cast(low as double), 0) as least
    from named

)

select
    line,
    is_broken,
    id,
    coalesce(account, address) as who,
    name,
    case when account is null then address end as email,
    null::text as person_id,
    case course_at when 0 then item when 1 then parent_1 when 2 then parent_2 when 3 then parent_3 end as course,
    case course_at when 0 then title when 1 then title_1 when 2 then title_2 when 3 then title_3 end as course_name,
    case when is_cmi5 then grouping end as course_group,
    at_text,
    null::text as begins_text,
    verb_is as verb,
    object_is as object,
    case
        when is_cmi5 then 'cmi5'
        when starts_with(category, 'http://h5p.org/libraries/') then 'h5p'
        else ''
    end as profile,
    parent_1 is null as alone,
    coalesce(points, share) is not null as scored,
    case
        when ends_with(type_1, '/assessment') then parent_1
        when ends_with(type_2, '/assessment') then parent_2
        else item
    end as item,
    case
        when points is not null and most is not null
            then case when most > least then 100 * (points - least) / (most - least) end
        when most is null or most > least then 100 * share
    end as percent,
    -- where raw and scaled say two things, raw counts, and it is told
    abs((points - least) / nullif(most - least, 0) - share) > 0.01 as at_odds,
    null::double as progress,
    case when completion in ('true', 'false') then completion = 'true' end as completion,
    null::text as enrolment_id,
    case
        when coalesce(account, address) is null then 'no user'
        when item is null then 'no object'
    end as why
from parts
