-- One row per active learner of whom a list of everybody says nothing, in an accepted row or a refused one.
create or replace temp table absent as
with present as (

    select id from temp.checked

    union all

    select text as id from fields_of_not_rows

),

final as (

    select learners.id
    from learners
    left join present on learners.id = present.id
    left join temp.known_later as later on learners.id = later.id
    where learners.active and present.id is null and later.id is null

)

select * from final;
