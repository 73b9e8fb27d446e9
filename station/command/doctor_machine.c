#include "station/command/doctor.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/owner.h"
#include "base/program.h"

#include <ctype.h>
#include <dirent.h>
#include <grp.h>
#include <langinfo.h>
#include <locale.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GROUPS_MAX 256
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

AUTO_DEFINE(DIR, DIR *, closedir)

/* --- users --- */

static bool check_existence(struct check *c)
{
	static const char *const users[] = { "imprint-signer", "imprint-station" };
	static const char *const groups[] = { "imprint", "imprint-jig", "imprint-supervisor" };
	static const char remedy[] = "run systemd-sysusers, or install imprint-station again";
	bool all = true;

	for (size_t i = 0; i < COUNT(users); i++)
		if (!getpwnam(users[i])) {
			check_say(c, CHECK_FAIL, "users", "there is no user %s: %s", users[i],
				  remedy);
			all = false;
		}
	for (size_t i = 0; i < COUNT(groups); i++)
		if (!getgrnam(groups[i])) {
			check_say(c, CHECK_FAIL, "users", "there is no group %s: %s", groups[i],
				  remedy);
			all = false;
		}
	return all;
}

static bool has(const gid_t *groups, int count, gid_t group)
{
	for (int i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return false;
}

static bool is_member(const char *name, gid_t of)
{
	const struct passwd *user = getpwnam(name);
	gid_t groups[GROUPS_MAX];
	int count = GROUPS_MAX;

	return user && getgrouplist(name, user->pw_gid, groups, &count) >= 0 &&
	       has(groups, count, of);
}

/* Both sockets are open to the group imprint alone: to be a supervisor is not enough. */
static void check_members(struct check *c)
{
	gid_t imprint = getgrnam("imprint")->gr_gid;
	const struct group *supervisors = getgrnam("imprint-supervisor");

	if (!is_member(OWNER_STATION, imprint))
		check_say(c, CHECK_FAIL, "users",
			  "%s is not in the group imprint, and cannot ask the signer: adduser %s "
			  "imprint; systemctl restart imprint-station",
			  OWNER_STATION, OWNER_STATION);
	if (!*supervisors->gr_mem)
		check_say(c, CHECK_WARN, "users",
			  "nobody is in the group imprint-supervisor, to open orders: adduser NAME "
			  "imprint-supervisor; adduser NAME imprint");
	for (char **name = supervisors->gr_mem; *name; name++)
		if (!is_member(*name, imprint))
			check_say(c, CHECK_WARN, "users",
				  "%s is in the group imprint-supervisor and not in imprint, and "
				  "reaches no daemon: adduser %s imprint",
				  *name, *name);
}

/* Root looks after the machine; people work in the group. */
static void check_caller(struct check *c)
{
	const struct passwd *me = getpwuid(getuid());
	const struct group *group = getgrnam("imprint");
	gid_t now[GROUPS_MAX], later[GROUPS_MAX];
	int count, later_count = GROUPS_MAX;

	if (getuid() == 0 || !me || !group)
		return;
	count = getgroups(GROUPS_MAX, now);
	if (has(now, count, group->gr_gid) || getgid() == group->gr_gid)
		return;
	if (getgrouplist(me->pw_name, me->pw_gid, later, &later_count) >= 0 &&
	    has(later, later_count, group->gr_gid))
		check_say(c, CHECK_WARN, "users",
			  "%s is in the group imprint from the next login on", me->pw_name);
	else
		check_say(c, CHECK_WARN, "users",
			  "%s is not in the group imprint, and reaches no daemon; as root: "
			  "adduser %s imprint",
			  me->pw_name, me->pw_name);
}

void doctor_users(struct check *c)
{
	if (!doctor_installed())
		return;
	if (check_existence(c)) {
		check_say(c, CHECK_OK, "users", "those of signer and station, and their groups");
		check_members(c);
	}
	check_caller(c);
}

/* --- clock --- */

static void check_clock(struct check *c)
{
	static const struct {
		enum check_level level;
		const char *text;
	} rows[] = {
		[CLOCK_UNKNOWN] = { CHECK_WARN,
				    "whether it is synchronised cannot be asked in this "
				    "container: see to it that its host is" },
		[CLOCK_UNSYNCHRONISED] = { CHECK_WARN,
					   "not synchronised: install systemd-timesyncd or chrony, "
					   "and name a time server that the station can reach" },
		[CLOCK_SYNCHRONISED] = { CHECK_OK, "synchronised" },
	};
	enum clock_sync sync = clock_sync();

	check_say(c, rows[sync].level, "time", "%s", rows[sync].text);
}

/* --- programs that open serial lines by themselves --- */

static const struct {
	const char *name, *remedy;
} grabbers[] = {
	{ "ModemManager", "install 61-imprint.rules, which keeps it off, then udevadm trigger" },
	{ "brltty", "it takes some USB adapters for its own: apt remove brltty" },
};

static bool has_our_rule(void)
{
	static const char *const places[] = { "/etc/udev/rules.d", "/run/udev/rules.d",
					      "/usr/lib/udev/rules.d", "/lib/udev/rules.d" };
	char path[64];

	for (size_t i = 0; i < COUNT(places); i++) {
		snprintf(path, sizeof(path), "%s/61-imprint.rules", places[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static void check_process(const char *name, struct check *c)
{
	for (size_t i = 0; i < COUNT(grabbers); i++)
		if (strcmp(name, grabbers[i].name) == 0 && (i > 0 || !has_our_rule()))
			check_say(c, CHECK_WARN, "lines", "%s runs, and may talk to boards: %s",
				  name, grabbers[i].remedy);
}

static void check_grabbers(struct check *c)
{
	AUTO(DIR) dir = opendir("/proc");
	char path[sizeof("/proc//comm") + 256], name[32];
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		AUTO(FILE) file = NULL;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = fopen(path, "re");
		if (!file || !fgets(name, sizeof(name), file))
			continue;
		name[strcspn(name, "\n")] = '\0';
		check_process(name, c);
	}
}

/* --- screen --- */

static void check_screen(struct check *c)
{
	char path[PATH_MAX];
	struct err e;

	if (!program_find("imprint-ui", path, &e))
		return;
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
		check_say(c, CHECK_OK, "screen", "the locale has every letter (UTF-8)");
	else
		check_say(
			c, CHECK_WARN, "screen",
			"the locale is not UTF-8, letters will be missing: LC_ALL=C.UTF-8 imprint "
			"ui");
	setlocale(LC_CTYPE, "C");
}

void doctor_machine(struct check *c)
{
	check_clock(c);
	check_grabbers(c);
	check_screen(c);
}
