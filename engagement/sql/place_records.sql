-- One row per record of a file below its header: the line it begins in and its text. It goes on while a quote is open.
create or replace temp table places as
with counted as (

    select
        line,
        text,
        length(text) - length(replace(text, '"', '')) as quotes
    from lines

),

opened as (

    select
        *,
        coalesce(sum(quotes) over earlier_lines, 0) % 2 = 1 as goes_on
    from counted
    window earlier_lines as (order by line rows between unbounded preceding and 1 preceding)

),

numbered as (

    select
        *,
        sum(case when goes_on then 0 else 1 end) over (order by line) as record
    from opened

),

final as (

    select
        record,
        min(line) as line,
        string_agg(text, chr(10) order by line) as raw
    from numbered
    group by record
    having record > 1 and raw <> ''

)

select * from final;
