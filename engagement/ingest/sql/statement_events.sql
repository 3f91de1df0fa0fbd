-- One row per act that is an event of ours, by its line.
with final as (

    select
        acts.line,
        coalesce(known.id, acts.who) as learner_id,
        acts.type,
        strftime(acts.happened, '%Y-%m-%dT%H:%M:%S.%f') as timestamp,
        json_merge_patch(
            case
                when acts.percent is null then '{}'
                else json_object('score', round(least(acts.percent, 100), 4))
            end,
            case
                when acts.completion is null or acts.percent is not null then '{}'
                else json_object('completion', acts.completion)
            end,
            -- by a mark of its own: an address may hold what is not kept
            case
                when acts.score = '' or acts.item is null then '{}'
                else json_object('item', left(md5(acts.item), 12))
            end
        )::text as metadata,
        acts.id
    from of_learners as acts
    left join known on acts.who = known.who
    where acts.type <> '' and acts.who is not null and not acts.is_again

)

select * from final
order by line
