-- A last login that cannot be true, in a year to come, is not known: neither recent nor never. A missing one alone is
-- never, so that what is not known is said apart from it.
alter table learner_facts add column login_is_unknown boolean default false;
alter table run_scores add column login_is_unknown boolean default false;
alter table risk_scores add column login_is_unknown boolean default false;

comment on column learner_facts.login_is_unknown is
'(P) Whether last_login is null because nobody can tell it, and not because there was none.';
comment on column run_scores.login_is_unknown is 'Whether the score was made without the last login.';
comment on column risk_scores.login_is_unknown is '(P) Whether the score was made without the last login.';

create or replace view newest_facts as
select *
from facts_at(timestamp 'infinity');
