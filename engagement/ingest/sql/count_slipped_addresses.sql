-- One row: of accepted rows, addresses that change and those of them that were another's until now who has another one;
-- of the first $most, those that read most like the row's own name and id, and like those of the row beside it.
with incoming as (

    select
        rowid as place,
        id,
        email,
        name
    from temp.checked
    where reasons is null and email is not null

),

changed as (

    select
        incoming.id,
        incoming.email,
        learners.email as before,
        learners.person_number
    from incoming
    inner join learners on incoming.id = learners.id
    where learners.email is not null and learners.email <> incoming.email

),

moved as (

    select distinct changed.id
    from changed
    inner join changed as given on changed.email = given.before
    where changed.person_number <> given.person_number

),

first_rows as (

    select
        place,
        strip_accents(lower(split_part(email, '@', 1))) as read,
        list_filter(
            regexp_split_to_array(strip_accents(lower(concat_ws(' ', name, id))), '[^\pL\pN]+'),
            lambda word: length(word) >= 3
        ) as words
    from incoming
    where place < $most

),

beside as (

    select
        read,
        words,
        lag(words) over (order by place) as above,
        lead(words) over (order by place) as below
    from first_rows

),

alike as (

    select
        len(list_filter(words, lambda word: contains(read, word))) as own,
        coalesce(len(list_filter(above, lambda word: contains(read, word))), 0) as above,
        coalesce(len(list_filter(below, lambda word: contains(read, word))), 0) as below
    from beside

),

final as (

    select
        (select count(*) from changed) as changed,
        (select count(*) from moved) as moved,
        (select count(*) from alike where own > greatest(above, below)) as own,
        greatest(
            (select count(*) from alike where above > greatest(own, below)),
            (select count(*) from alike where below > greatest(own, above))
        ) as beside

)

select * from final;
