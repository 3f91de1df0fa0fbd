-- One row per learner of $ids whose label was another, or none (null), at $before than it is now.
with words as (

    select
        learner_id,
        as_of,
        risk_label
    from score_words
    where learner_id in (select unnest($ids::text[]))

),

final as (

    select
        learner_id as id,
        arg_max(risk_label, as_of) filter (where as_of <= $before) as label_before
    from words
    group by learner_id
    -- whoever has no word since then has the same label
    having max(as_of) > $before

)

select * from final;
