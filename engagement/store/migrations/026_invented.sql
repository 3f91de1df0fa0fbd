-- Whether the learners of a store are invented. A demo that was made before this is told by who approves in it.
create table invented (
    made_at timestamp not null
);

insert into invented
select min(timestamp)
from events
where actor = 'demo coordinator'
having count(*) > 0;

comment on table invented is 'A row where the learners are those of the demo; then nothing can be loaded.';
comment on column invented.made_at is 'When the demo made the store (UTC).';
