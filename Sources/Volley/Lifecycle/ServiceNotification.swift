public import VolleyCore

/// Something to tell the service manager about this process (sd_notify(3)): one or more assignments.
public struct ServiceNotification: Hashable, Sendable {
    /// The lines as they are sent: `READY=1`.
    let lines: [String]

    /// Start-up, or a reload, is finished (`READY=1`).
    public static let ready = ServiceNotification(lines: ["READY=1"])
    /// The service is about to end (`STOPPING=1`).
    public static let stopping = ServiceNotification(lines: ["STOPPING=1"])
    /// The service is alive (`WATCHDOG=1`); to be sent more often than the unit's `WatchdogSec=`.
    public static let watchdog = ServiceNotification(lines: ["WATCHDOG=1"])

    /// The service reloads its configuration (`RELOADING=1`), since `start`; ``ready`` ends that.
    ///
    /// `Type=notify-reload` needs the time (`MONOTONIC_USEC=`), which is `CLOCK_MONOTONIC` as of
    /// `transport.eventLoop.now`.
    public static func reloading(since start: MonotonicInstant) -> ServiceNotification {
        ServiceNotification(lines: ["RELOADING=1", "MONOTONIC_USEC=\(start.nanoseconds / 1_000)"])
    }

    /// The service reloads its configuration from now on.
    public static var reloading: ServiceNotification {
        reloading(since: MonotonicInstant(nanoseconds: System.monotonicNanoseconds()))
    }

    /// The service's main process is `processID` (`MAINPID=`): after a hand-over, the process that took over.
    public static func mainProcess(_ processID: CInt) -> ServiceNotification {
        ServiceNotification(lines: ["MAINPID=\(processID)"])
    }

    /// What the service is doing, for people (`STATUS=`); everything from the first end of line on is left out.
    public static func status(_ text: String) -> ServiceNotification {
        ServiceNotification(lines: ["STATUS=" + text.prefix { !$0.isNewline }])
    }
}
