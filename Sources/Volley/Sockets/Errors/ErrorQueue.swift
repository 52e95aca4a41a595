internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// The error queue of a socket with `IP_RECVERR` or `IPV6_RECVERR`: what the network reports of datagrams sent.
///
/// The kernel tells of one failure in up to three ways: an entry of the queue, the pending error (`SO_ERROR`), which the
/// next send or receive fails with, and `EPOLLERR` until both are gone. It queues the entry before it sets the pending
/// error; so whoever meets that errno finds the entry, and the two are one report. Or the entry has just been read, by
/// this thread between those two steps of another processor: so an errno is compared with the entries read last, too.
///
/// The queue is read when epoll reports an error, and when a send or receive fails. Before a send that need not be done
/// as well: with an error pending the send fails without having sent anything, and is then repeated.
@safe
final class ErrorQueue {
    private let descriptor: CInt
    // As in SocketWorld: the transport owns the world, which owns this.
    private unowned(unsafe) let owner: RingTransport
    private let receiveError: @Sendable (CInt, UnsafeMutablePointer<volley_error>) -> Int
    private let entry: UnsafeMutablePointer<volley_error>
    /// The MTU that the latest failed send was too large for, if that is how it failed.
    private var refusedMTU: Int?

    /// The errnos of the entries read last, and of a few before, without those that a system call has already failed
    /// with.
    private var unmatched: [Errno] = []

    private enum Budget {
        /// Entries read at a time; `EPOLLERR` stays for the rest.
        static let entries = 64
        /// How often one send is repeated; each time at least one entry has been read.
        static let repetitions = 64
        /// How many entries that were read earlier may have errnos still to come: one of each processor that has queued
        /// its entry and not set the pending error, which itself holds one.
        static let late = 16
    }

    init(_ descriptor: CInt, transport: RingTransport, syscalls: Syscalls) {
        self.descriptor = descriptor
        unsafe owner = transport
        unsafe receiveError = syscalls.receiveError
        // SAFETY: owned by this object, freed in deinit, and used on the loop's thread only.
        unsafe entry = .allocate(capacity: 1)
        unsafe entry.initialize(to: volley_error())
    }

    deinit { unsafe entry.deallocate() }

    /// Reads and reports what is queued.
    func drain() {
        report(take())
        refusedMTU = nil
    }

    /// The MTU that the send which has just failed was too large for, once.
    func takeRefusedMTU() -> Int? { refusedMTU.take() }

    /// Reads and reports what is queued; returns whether `errno`, which a system call has failed with, is that of an
    /// entry, and so needs no report of its own.
    func accounts(for errno: Errno) -> Bool {
        let errors = take()
        let match = unmatched.firstIndex(of: errno)
        if let match { unmatched.remove(at: match) }
        report(errors)
        return match != nil
    }

    /// Repeats a send that has failed, for as long as the failures are those of datagrams sent earlier.
    ///
    /// To read the queue takes time, in which a flood of errors sets the next pending one. The repetition clears that; so
    /// it is repeated at once, before the queue is read again, and even then something goes out.
    ///
    /// - Returns: the result of the last repetition, or `result`: then the failure is not known to be an earlier one's.
    func retry(_ result: Int, _ send: () -> Int) -> Int {
        var result = result
        refusedMTU = nil
        for _ in 0..<Budget.repetitions {
            guard let errno = Self.failure(result), accounts(for: errno) else { break }
            result = send()
            guard let second = Self.failure(result) else { break }
            result = send()
            guard !accounts(for: second) else { continue }
            // Whatever it was, the datagram is not to blame if it has gone, or waits.
            if Self.failure(result) == nil { unsafe owner.noteInherited(second) }
            break
        }
        return result
    }

    /// The errno of a send that has failed, and may have for an earlier one.
    private static func failure(_ result: Int) -> Errno? {
        let errno = Errno(rawValue: CInt(truncatingIfNeeded: -result))
        return result < 0 && errno != .wouldBlock ? errno : nil
    }

    /// Takes what is queued, as far as the budget goes, before any of it is reported: a callback may send, and so get
    /// here again.
    private func take() -> [DatagramError] {
        var errors: [DatagramError] = []
        for _ in 0..<Budget.entries {
            // SAFETY: there is room for one entry, which is filled in when the result is 0.
            guard unsafe receiveError(descriptor, entry) == 0 else { break }
            if let error = makeError() { errors.append(error) }
        }
        if !errors.isEmpty {
            // Of those read before, some errnos may still be on their way: to forget them would be to blame a datagram.
            unmatched = unmatched.suffix(Budget.late) + errors.filter { $0.origin != .local }.map(\.errno)
        }
        return errors
    }

    private func report(_ errors: [DatagramError]) {
        let transport = unsafe owner
        for error in errors { transport.receiveFailed(error) }
    }

    /// The error of the entry read last; nil for what is no news.
    private func makeError() -> DatagramError? {
        // SAFETY: `entry` is initialised; its arrays are bytes.
        let (number, info) = unsafe (entry.pointee.number, entry.pointee.info)
        let origin: DatagramError.Origin
        switch unsafe Int(entry.pointee.origin) {
        case _ where number == 0:
            return nil
        case Int(VOLLEY_ORIGIN_ICMP), Int(VOLLEY_ORIGIN_ICMP6):
            let offender = unsafe address(entry.pointee.offender, count: 28)?.ip.unmapped
            origin = unsafe .icmp(type: entry.pointee.type, code: entry.pointee.code, offender: offender)
        case Int(VOLLEY_ORIGIN_TXTIME):
            origin = .local
        case Int(VOLLEY_ORIGIN_LOCAL):
            // The send it belongs to has failed with the same errno, and is about to be reported; this adds the MTU.
            if number == UInt32(EMSGSIZE) { refusedMTU = Int(info) }
            return nil
        default:
            return nil
        }
        let quoted = unsafe withUnsafeBytes(of: &entry.pointee.quoted) { bytes in
            unsafe Array(bytes.prefix(Int(entry.pointee.count)))
        }
        return unsafe DatagramError(
            Errno(rawValue: CInt(truncatingIfNeeded: number)), operation: .send, origin: origin,
            peer: address(entry.pointee.destination, count: entry.pointee.destination_length), info: info,
            quoted: quoted)
    }

    private func address<Bytes>(_ bytes: Bytes, count: UInt32) -> SocketAddress? {
        // SAFETY: `Bytes` is the array of an entry.
        unsafe withUnsafeBytes(of: bytes) { unsafe SocketAddress(kernelBytes: Array($0.prefix(Int(count)))) }
    }
}
