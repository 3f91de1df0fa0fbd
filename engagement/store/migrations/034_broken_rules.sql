-- That a model broke a rule says little to whoever chooses a model or mends a prompt: which one it was does.
alter table model_answers add column rule text;

comment on column model_answers.rule is 'What the last answer did wrong, in words, where there is no text because of it; never the text.';
