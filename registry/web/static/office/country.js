// What doors count by the hour is shown in Kazakhstan's time, wherever the browser is. By its offset: in many
// browsers Asia/Almaty is still what it was before 1 March 2024, an hour more.

export const timeZone = "Etc/GMT-5"; // UTC+5: POSIX counts to the west
