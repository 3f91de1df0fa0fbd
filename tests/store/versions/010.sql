-- Since version 10: chances in place of scores.
insert into calibrations
values ('k', 'P', 'left', 'Data spring', 200, '2026-02-20');

insert into calibration_points
values ('k', 1, 804, 0.6);
