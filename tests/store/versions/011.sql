-- Since version 11: consents of refused rows.
insert into consents_ahead
values ('d', 'p', true, false, false, ['llm_opt_out'], '2026-02-22 23:59:59', 'L1');
