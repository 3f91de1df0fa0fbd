"""A Moodle's web services for tests, in the shape and with the errors of a real one."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

TOKEN = "not-a-real-token"
NO_TOKEN = {"exception": "moodle_exception", "errorcode": "invalidtoken", "message": "Ungültiges Token"}


@contextmanager
def serving(answer, *, delay_s=0.0):
    """Yield the address of a Moodle, and the list of the calls it gets; `answer` has a function and its parameters.

    What `answer` raises cuts the connection.
    """
    calls = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # one packet: of two the second waits for an acknowledgement, 40 ms

        def do_POST(self):
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            given = dict(parse_qsl(sent, keep_blank_values=True))
            token, function = given.pop("wstoken"), given.pop("wsfunction")
            assert given.pop("moodlewsrestformat") == "json"
            calls.append((function, given))
            time.sleep(delay_s)
            try:
                said = answer(function, given) if token == TOKEN else NO_TOKEN
            except ConnectionError:
                self.close_connection = True
                return
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", calls
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def recorded(folder):
    """Return what answers as the Moodle did whose answers are in a folder."""

    def said(name):
        return json.loads((folder / name).read_text(encoding="utf-8"))

    done = said("all_learners.completion.json")["by_userid"]
    best = said("all_learners.quiz_best_grade.json")["by_userid_by_quizid"]
    fixed = {
        name: said(f"{name}.json")["response"]
        for name in (
            "core_enrol_get_enrolled_users",
            "core_course_get_contents",
            "core_calendar_get_calendar_events",
            "mod_quiz_get_quizzes_by_courses",
        )
    }
    courses = said("core_course_get_courses_by_field.shortname.json")["response"]
    only = said("core_enrol_get_enrolled_users.onlysuspended.json")["response"]
    suspended = said("core_user_get_users_by_field.suspended.teacher.json")["response"]
    grades = said("gradereport_user_get_grade_items.all.json")["response"]

    def answer(function, given):
        if function == "core_course_get_courses_by_field":
            return courses if given["value"] in ("2", "Data 101") else {"courses": [], "warnings": []}
        if function == "core_enrol_get_enrolled_users" and "onlysuspended" in given.values():
            return only
        if function == "core_user_get_users_by_field":
            return [each for each in suspended if str(each["id"]) in given.values()]
        if function == "core_completion_get_activities_completion_status":
            return done[given["userid"]]
        if function == "mod_quiz_get_user_best_grade":
            return best[given["userid"]][given["quizid"]]
        return grades if function == "gradereport_user_get_grade_items" else fixed[function]

    return answer


def invented(learners, activities=4):
    """Return what answers as a Moodle with so many learners, of whom the first did everything."""
    people = [
        {
            "id": each,
            "fullname": f"Ida Tester {each}",
            "email": f"l{each}@example.invalid",
            "lastcourseaccess": 1_760_000_000 + each,
            "roles": [{"shortname": "student"}],
            "groups": [],
        }
        for each in range(1, learners + 1)
    ]
    modules = [{"id": at, "modname": "page", "instance": at, "visible": 1} for at in range(1, activities + 1)]
    events = [
        {"modulename": "page", "instance": at, "eventtype": "expectcompletionon", "timestart": 1_750_000_000}
        for at in range(1, activities)
    ]

    def answer(function, given):
        match function:
            case "core_course_get_courses_by_field":
                return {"courses": [{"id": 7, "shortname": "Data &amp; More"}]}
            case "core_enrol_get_enrolled_users":
                return [] if "onlysuspended" in given.values() else people
            case "core_user_get_users_by_field":
                return []
            case "core_course_get_contents":
                return [{"modules": modules}]
            case "core_calendar_get_calendar_events":
                return {"events": events}
            case "gradereport_user_get_grade_items":
                item = {"itemmodule": "quiz", "graderaw": 6, "grademin": 0, "grademax": 8}
                return {"usergrades": [{"userid": each["id"], "gradeitems": [item]} for each in people]}
            case _:
                user = int(given["userid"])
                return {
                    "statuses": [
                        {
                            "cmid": at,
                            "modname": "page",
                            "instance": at,
                            "state": int(at <= activities - user + 1),
                        }
                        for at in range(1, activities + 1)
                    ]
                }

    return answer
