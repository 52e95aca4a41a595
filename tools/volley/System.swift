import Glibc

/// What this process has used so far (getrusage(2)).
struct ProcessUsage {
    let userSeconds: Double
    let systemSeconds: Double
    let maximumResidentBytes: Int

    static func now() -> ProcessUsage {
        var usage = rusage()
        // SAFETY: the call only writes `usage`, and cannot fail for this process.
        _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return ProcessUsage(
            userSeconds: seconds(usage.ru_utime), systemSeconds: seconds(usage.ru_stime),
            maximumResidentBytes: usage.ru_maxrss * 1024)
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
}

/// Whether standard error is a terminal, so that progress may be shown there.
let isTerminal = isatty(STDERR_FILENO) == 1

extension Double {
    /// Rounded to a number of decimals, as text.
    func text(_ decimals: Int) -> String {
        let scale = pow(10.0, Double(decimals))
        let scaled = (self * scale).rounded()
        guard scaled.isFinite, abs(scaled) < 1e15 else { return "\(self)" }
        let whole = Int(scaled)
        guard decimals > 0 else { return "\(whole)" }
        let digits = String(abs(whole) % Int(scale))
        let padding = String(repeating: "0", count: decimals - digits.count)
        return "\(whole < 0 ? "-" : "")\(abs(whole) / Int(scale)).\(padding)\(digits)"
    }
}

/// The size of a regular file in bytes; nil for anything else, and for "-".
func fileSize(_ path: String) -> Int64? {
    var status = stat()
    // SAFETY: the call only reads the path and writes `status`.
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int64(status.st_size)
}
