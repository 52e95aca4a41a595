internal import CVolley
internal import Glibc
internal import SystemPackage
public import VolleyCore

extension LiveEventLoop {
    /// Calls `body` on the loop whenever the process receives one of `signals`, instead of what they would do.
    ///
    /// The signals are read from a signalfd(2) and blocked in the calling thread and in the loop's; any other thread
    /// that receives one blocks it then and passes it on. What was done on these signals before is replaced.
    /// asyncio: `add_signal_handler`.
    public func onSignals(
        _ signals: Set<Signal>, _ body: @escaping @Sendable (Signal, any EventLoop) -> Void
    ) throws(DatagramError) {
        try SignalSource.block(signals)
        try run { loop throws(DatagramError) in try SignalSource.install(signals, on: loop, body) }
    }
}

/// A signalfd in a loop.
private final class SignalSource: EpollHandler {
    private let descriptor: CInt
    private let loop: EpollLoop
    private let body: @Sendable (Signal, any EventLoop) -> Void

    private init(_ descriptor: CInt, loop: EpollLoop, _ body: @escaping @Sendable (Signal, any EventLoop) -> Void) {
        self.descriptor = descriptor
        self.loop = loop
        self.body = body
    }

    deinit { System.close(descriptor) }

    static func install(
        _ signals: Set<Signal>, on loop: EpollLoop, _ body: @escaping @Sendable (Signal, any EventLoop) -> Void
    ) throws(DatagramError) {
        try block(signals)
        var set = mask(of: signals)
        let descriptor = unsafe volley_signalfd(-1, &set)
        guard descriptor >= 0 else { throw DatagramError(Errno(rawValue: errno), operation: .create) }
        let source = SignalSource(descriptor, loop: loop, body)
        _ = try loop.register(descriptor, events: UInt32(VOLLEY_READABLE), handler: source)
    }

    static func block(_ signals: Set<Signal>) throws(DatagramError) {
        var set = mask(of: signals)
        let number = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        guard number == 0 else { throw DatagramError(Errno(rawValue: number), operation: .configure) }
        for signal in signals where volley_divert_signal(signal.rawValue) != 0 {
            throw DatagramError(Errno(rawValue: errno), operation: .configure)
        }
    }

    func ready(_ events: UInt32) {
        while case let number = volley_signalfd_read(descriptor), number != 0 {
            body(Signal(rawValue: number), loop)
        }
    }

    private static func mask(of signals: Set<Signal>) -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal.rawValue) }
        return set
    }
}
