internal import SystemPackage
import VolleyCore

/// What a socket of Linux keeps of the network's errors until somebody asks: one errno, of which a newer one takes the
/// place, or the whole queue where it was asked for (`IP_RECVERR`).
struct PendingErrors {
    private let keepsAll: Bool
    private var errors: [DatagramError] = []

    init(keepsAll: Bool) { self.keepsAll = keepsAll }

    var isEmpty: Bool { errors.isEmpty }

    /// Takes one; returns whether that cost an older one.
    mutating func append(_ error: DatagramError) -> Bool {
        guard !keepsAll, !errors.isEmpty else {
            errors.append(error)
            return false
        }
        errors[0] = error
        return true
    }

    /// All that a receive fetches, the oldest first.
    mutating func takeAll() -> [DatagramError] {
        defer { errors = [] }
        return errors
    }

    /// What a send fetches: the one errno; entries of the queue stay for the receive.
    mutating func takeErrno() -> CInt? {
        keepsAll ? nil : errors.popLast()?.errno.rawValue
    }
}
