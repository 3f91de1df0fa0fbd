-- One row per nudge to draft for a person who was to have a text that somebody rejected for them as it was: the next of
-- the templates that stand; null where none does.
with rejected as (

    select
        learners.person_number,
        nudges.draft_content as content
    from nudges
    inner join learners on nudges.learner_id = learners.id
    where nudges.status = 'rejected' and not coalesce(nudges.edited, false)

),

affected as (

    select
        wanted.*,
        learners.person_number
    from temp.to_draft as wanted
    inner join learners on wanted.learner_id = learners.id
    where learners.person_number in (select rejected.person_number from rejected)

),

standing as (

    select
        affected.id,
        texts.variant,
        (texts.variant - affected.variant + $variants) % $variants as place
    from affected
    inner join temp.texts
        on affected.type = texts.type and affected.channel = texts.channel and affected.locale = texts.locale
    anti join rejected on affected.person_number = rejected.person_number and texts.content = rejected.content

),

final as (

    select
        affected.id,
        arg_min(standing.variant, standing.place) as variant
    from affected
    left join standing on affected.id = standing.id
    group by affected.id

)

update temp.to_draft
set variant = final.variant
from final
where to_draft.id = final.id;
