#include "base/owner.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

bool owner_find(const char *name, struct owner *ret_owner, struct err *e)
{
	const char *folder = secure_getenv("IMPRINT_DIR");
	const struct passwd *user;

	*ret_owner = (struct owner) { geteuid(), getegid(), !folder || !*folder, name, false };
	if (!ret_owner->installed)
		return true;
	user = getpwnam(name);
	if (geteuid() != 0) {
		ret_owner->is_other = user && user->pw_uid != geteuid();
		return true;
	}
	if (!user)
		return err_set(e, ERR_NOT_FOUND,
			       "there is no user %s: install the package, which makes it, or set "
			       "IMPRINT_DIR to a folder of your own",
			       name);
	ret_owner->uid = user->pw_uid;
	ret_owner->gid = user->pw_gid;
	return true;
}

static bool is_me(const struct owner *owner)
{
	return owner->uid == geteuid();
}

bool owner_enter(const struct owner *owner, struct err *e)
{
	return is_me(owner) || (setegid(owner->gid) == 0 && seteuid(owner->uid) == 0) ||
	       err_errno(e, ERR_SYSTEM, "cannot become the user %s", owner->user);
}

bool owner_leave(struct err *e)
{
	return geteuid() == getuid() || (seteuid(getuid()) == 0 && setegid(getgid()) == 0) ||
	       err_errno(e, ERR_SYSTEM, "cannot become root again");
}

bool owner_become(const struct owner *owner, struct err *e)
{
	return is_me(owner) ||
	       (initgroups(owner->user, owner->gid) == 0 &&
		setresgid(owner->gid, owner->gid, owner->gid) == 0 &&
		setresuid(owner->uid, owner->uid, owner->uid) == 0) ||
	       err_errno(e, ERR_SYSTEM, "cannot become the user %s", owner->user);
}
