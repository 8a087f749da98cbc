/*
 * notify.h - tells systemd how the service is (sd_notify(3), without its library). Any
 * thread.
 */
#ifndef CLI_NOTIFY_H
#define CLI_NOTIFY_H

/* Sends "READY=1" or the like to $NOTIFY_SOCKET; does nothing where there is none. */
void notify_systemd(const char *state);

#endif
