#include "station/people.h"

#include "base/clock.h"
#include "base/log.h"
#include "station/lines.h"

#include <fcntl.h>

#define FILE_NAME "badges.jsonl"
#define WHAT "the record of badges"
#define BADGE_LEN_MIN 4

struct people {
	int fd;
	off_t size;
	pthread_mutex_t mutex;
	struct control_badge badges[PEOPLE_BADGES_MAX]; /* role NONE: withdrawn */
	size_t count;
	char badge[CONTROL_NAME_MAX + 1]; /* of who is logged in, or "" */
};

static struct control_badge *find(struct people *people, const char *badge)
{
	for (size_t i = 0; i < people->count; i++)
		if (strcmp(people->badges[i].badge, badge) == 0)
			return &people->badges[i];
	return NULL;
}

static void keep(struct people *people, const struct control_badge *badge)
{
	struct control_badge *known = find(people, badge->badge);

	if (!known && people->count < PEOPLE_BADGES_MAX)
		known = &people->badges[people->count++];
	if (known)
		*known = *badge;
}

static void replay_line(void *context, const json_t *object)
{
	struct control_badge badge = { .enrolled_at = lines_time(object, "at") };
	enum control_role role = BADGE_NONE;

	control_role_parse(lines_text(object, "role"), &role);
	badge.role = role;
	control_copy_text(badge.badge, sizeof(badge.badge), lines_text(object, "badge"));
	control_copy_text(badge.person, sizeof(badge.person), lines_text(object, "person"));
	if (*badge.badge)
		keep(context, &badge);
}

bool people_open(int dir_fd, struct people **ret_people, struct err *e)
{
	AUTO(people) people = calloc(1, sizeof(*people));

	if (!people)
		return err_set(e, ERR_SYSTEM, "no memory for the badges");
	pthread_mutex_init(&people->mutex, NULL);
	people->fd = openat(dir_fd, FILE_NAME, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (people->fd < 0 || fsync(dir_fd) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot open " WHAT);
	if (!lines_read(people->fd, WHAT, replay_line, people, &people->size, e) ||
	    !lines_heal(people->fd, WHAT, people->size, e))
		return false;
	*ret_people = TAKE(people);
	return true;
}

void people_close(struct people *people)
{
	if (!people)
		return;
	if (people->fd >= 0)
		close(people->fd);
	pthread_mutex_destroy(&people->mutex);
	free(people);
}

/* --- changes --- */

static bool write_badge(struct people *people, const struct control_badge *badge, const char *by,
			struct err *e)
{
	char at[CLOCK_TEXT_SIZE];
	AUTO(json)
	object = json_pack("{ss ss ss ss ss}", "badge", badge->badge, "person", badge->person,
			   "role", control_role_name(badge->role), "at",
			   clock_format(badge->enrolled_at, at), "by", by);
	off_t before = people->size;
	size_t len;
	AUTO_FREE char *line = lines_line(object, &len);

	if (!line)
		return err_set(e, ERR_SYSTEM, "no line for " WHAT " could be made");
	if (!lines_add(people->fd, WHAT, line, len, &people->size, e))
		return false;
	if (fdatasync(people->fd) < 0) {
		people->size = before; /* the next line takes its place */
		return err_errno(e, ERR_SYSTEM, "cannot sync " WHAT);
	}
	keep(people, badge);
	log_event(LOG_NOTICE, badge->role ? "badge enrolled" : "badge withdrawn",
		  "person=\"%s\" role=%s by=\"%s\"", badge->person, control_role_name(badge->role),
		  by);
	return true;
}

static bool has_form(const char *text, const char *refused)
{
	size_t len = strlen(text);

	if (len > CONTROL_NAME_MAX || strpbrk(text, refused))
		return false;
	for (; *text; text++)
		if (*text < 0x20 || *text >= 0x7f)
			return false;
	return true;
}

static bool check_form(const char *badge, const char *person, struct err *e)
{
	if (strlen(badge) < BADGE_LEN_MIN || !has_form(badge, " \"\\"))
		return err_set(e, ERR_INVALID,
			       "that is no badge: it has %d to %d printable ASCII characters, no "
			       "blank, no quote",
			       BADGE_LEN_MIN, CONTROL_NAME_MAX);
	if (!*person || !has_form(person, "\"\\"))
		return err_set(e, ERR_INVALID,
			       "a person's name has 1 to %d printable ASCII characters, no quote",
			       CONTROL_NAME_MAX);
	return true;
}

bool people_enrol(struct people *people, const char *badge, const char *person,
		  enum control_role role, const char *by, struct err *e)
{
	AUTO(lock) lock = lock_take(&people->mutex);
	const struct control_badge *known = find(people, badge);
	struct control_badge enrolled = { .role = role, .enrolled_at = clock_wall_s() };

	if (!check_form(badge, person, e))
		return false;
	if (role <= BADGE_NONE || role >= BADGE_COUNT)
		return err_set(e, ERR_INVALID, "a role is one of operator, technician, supervisor");
	if (known && known->role)
		return err_set(e, ERR_REFUSED,
			       "that badge is %s's already; first: imprint badge withdraw BADGE",
			       known->person);
	if (!known && people->count == PEOPLE_BADGES_MAX)
		return err_set(e, ERR_REFUSED,
			       "no more than %d badges can be enrolled, withdrawn ones counted",
			       PEOPLE_BADGES_MAX);
	strcpy(enrolled.badge, badge);
	strcpy(enrolled.person, person);
	return write_badge(people, &enrolled, by, e);
}

static bool find_enrolled(struct people *people, const char *badge, struct control_badge *ret_badge,
			  struct err *e)
{
	const struct control_badge *known = find(people, badge);

	if (!known)
		return err_set(e, ERR_NOT_FOUND,
			       "that badge is nobody's; a technician enrols it: imprint badge "
			       "enrol");
	if (!known->role)
		return err_set(e, ERR_REFUSED, "the badge of %s was withdrawn", known->person);
	*ret_badge = *known;
	return true;
}

bool people_withdraw(struct people *people, const char *badge, const char *by, struct err *e)
{
	AUTO(lock) lock = lock_take(&people->mutex);
	struct control_badge known;

	if (!find_enrolled(people, badge, &known, e))
		return false;
	known.role = BADGE_NONE;
	known.enrolled_at = clock_wall_s();
	if (!write_badge(people, &known, by, e))
		return false;
	if (strcmp(people->badge, badge) == 0)
		people->badge[0] = '\0';
	return true;
}

bool people_find(struct people *people, const char *badge, struct control_badge *ret_badge,
		 struct err *e)
{
	AUTO(lock) lock = lock_take(&people->mutex);

	return find_enrolled(people, badge, ret_badge, e);
}

bool people_badge(struct people *people, size_t index, struct control_badge *ret_badge)
{
	AUTO(lock) lock = lock_take(&people->mutex);

	for (size_t i = 0; i < people->count; i++) {
		if (people->badges[i].role && index-- == 0) {
			*ret_badge = people->badges[i];
			return true;
		}
	}
	return false;
}

/* --- who is here --- */

bool people_login(struct people *people, const char *badge, struct control_badge *ret_badge,
		  struct err *e)
{
	AUTO(lock) lock = lock_take(&people->mutex);

	if (!find_enrolled(people, badge, ret_badge, e))
		return false;
	strcpy(people->badge, ret_badge->badge);
	log_event(LOG_INFO, "logged in", "person=\"%s\" role=%s", ret_badge->person,
		  control_role_name(ret_badge->role));
	return true;
}

void people_logout(struct people *people, const char *why)
{
	AUTO(lock) lock = lock_take(&people->mutex);
	const struct control_badge *known = *people->badge ? find(people, people->badge) : NULL;

	if (known)
		log_event(LOG_INFO, "logged out", "person=\"%s\" why=\"%s\"", known->person, why);
	people->badge[0] = '\0';
}

bool people_now(struct people *people, struct control_badge *ret_badge)
{
	AUTO(lock) lock = lock_take(&people->mutex);
	const struct control_badge *known = *people->badge ? find(people, people->badge) : NULL;

	*ret_badge = known ? *known : (struct control_badge) { 0 };
	return known;
}
