//! What the server's process costs, where it runs on this machine.

use std::fs;

/// The kernel counts processor time in hundredths of a second, whatever its own tick is.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process of this machine, or none that is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process(Option<u32>);

impl Process {
    /// The process with a number.
    pub(super) const fn of(pid: Option<u32>) -> Self {
        Self(pid)
    }

    /// Processor seconds, its own and the kernel's for it, since it began.
    pub(super) fn cpu_seconds(self) -> Option<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0?)).ok()?;
        // The name in brackets may hold anything; what follows it is numbers, utime and stime at the 12th and 13th.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some((user + system) / TICKS_PER_SECOND)
    }

    /// The most memory that it ever held, in megabytes.
    pub(super) fn peak_megabytes(self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0?)).ok()?;
        let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: f64 = kilobytes.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kilobytes / 1024.0)
    }
}
