-- Since version 9: groups, for the look at fairness only.
insert into learner_groups
values ('a', 'language', 'en', 'L1');
