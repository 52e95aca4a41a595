internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// One end of a pipe, FIFO, pty, character device or socket, used in one direction.
///
/// A read end is in epoll only while it is read: a hang-up cannot be switched off there, and would keep the loop busy as
/// long as reading is paused. A write end always is, for the hang-up is how it learns that nobody reads any more.
@safe
final class PipeWorld: StreamWorld, EpollHandler {
    let direction: StreamDirection
    private let descriptor: CInt
    private let loop: EpollLoop
    private let syscalls: Syscalls
    /// Whether a read error means that the other side has gone, which is how the kernel ends a pty (`EIO`).
    private let isTerminal: Bool
    private var token: EpollLoop.Token?
    /// The loop holds the transport, and the transport this world, until ``shutDown(isAborted:)``.
    private unowned var transport: FlowTransport!

    /// Takes a descriptor, which is closed if this throws.
    init(_ descriptor: CInt, _ direction: StreamDirection, on loop: EpollLoop) throws(StreamError) {
        self.descriptor = descriptor
        self.direction = direction
        self.loop = loop
        syscalls = loop.syscalls
        isTerminal = isatty(descriptor) == 1
        do throws(StreamError) {
            try PipeKind.check(descriptor)
            let result = syscalls.setNonBlocking(descriptor)
            if result < 0 { throw StreamError(Errno(rawValue: CInt(-result)), operation: .configure) }
            // Asked of epoll now, where an error can still be thrown.
            token = try register(0)
        } catch {
            System.close(descriptor)
            throw error
        }
        if direction == .writing { BrokenPipes.block() } else { disarm() }
    }

    /// Gives the descriptor its transport, whose protocol is told.
    func start(_ protocol: any BaseStreamProtocol, limits: WriteBufferLimits) -> FlowTransport {
        let transport = FlowTransport(eventLoop: loop, names: StreamNames(), limits: limits)
        self.transport = transport
        transport.onLost = { [unowned loop, unowned transport] _ in loop.remove(transport) }
        loop.add(transport)
        transport.start(`protocol`, in: self)
        return transport
    }

    func ready(_ events: UInt32) {
        if direction == .reading { return transport.readable() }
        if events & UInt32(VOLLEY_ERROR | VOLLEY_HANGUP) != 0 { return transport.hangUp() }
        transport.writable()
    }

    // MARK: StreamWorld

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        // SAFETY: read(2) keeps within the buffer.
        let result = unsafe syscalls.pipe.read(descriptor, buffer)
        return isTerminal && result == -Int(EIO) ? 0 : result
    }

    func write(_ vectors: UnsafePointer<StreamVector>, count: Int) -> Int {
        // SAFETY: the vectors are the transport's, and laid out as struct iovec.
        unsafe syscalls.pipe.write(descriptor, vectors, count)
    }

    /// A pipe is shut down by closing it, which the transport does.
    func shutDownWriting() -> Int { 0 }

    var receiveBuffer: UnsafeMutableRawBufferPointer { unsafe loop.streamMemory.receiveBuffer }

    func setReading(_ isOn: Bool) {
        guard direction == .reading else { return }
        if isOn { arm() } else { disarm() }
    }

    func setAwaitingWritable(_ isOn: Bool) {
        guard let token else { return }
        loop.modify(token, descriptor, events: isOn ? UInt32(VOLLEY_WRITABLE) : 0)
    }

    func shutDown(isAborted: Bool) {
        disarm()
        System.close(descriptor)
    }

    func extraInfo(_ name: String) -> (any Sendable)? {
        switch name {
        case "pipe", "descriptor": descriptor
        default: nil
        }
    }

    // MARK: Epoll

    private func register(_ events: CInt) throws(StreamError) -> EpollLoop.Token {
        do throws(DatagramError) {
            return try loop.register(descriptor, events: UInt32(events), handler: self)
        } catch {
            guard error.errno == .notPermitted else { throw error }
            throw StreamError(
                .notPermitted, operation: .configure,
                context: "this device is always ready, and nothing to wait for; read or write it directly")
        }
    }

    private func arm() {
        guard token == nil else { return }
        do throws(StreamError) { token = try register(CInt(VOLLEY_READABLE)) } catch { transport.lose(error) }
    }

    private func disarm() {
        guard let token = token.take() else { return }
        loop.deregister(token, descriptor)
    }
}

/// What can be a pipe's end.
enum PipeKind {
    static func check(_ descriptor: CInt) throws(StreamError) {
        var status = stat()
        // SAFETY: the call only writes `status`.
        guard unsafe fstat(descriptor, &status) == 0 else {
            let number = errno
            throw StreamError(Errno(rawValue: number), operation: .create)
        }
        switch status.st_mode & S_IFMT {
        case S_IFIFO, S_IFCHR, S_IFSOCK: return
        case let kind:
            let name = kind == S_IFREG ? "a regular file" : kind == S_IFDIR ? "a directory" : "no such thing"
            throw StreamError(
                .invalidArgument, operation: .create,
                context:
                    "descriptor \(descriptor) is \(name), and pipes, character devices and sockets are what can be "
                    + "waited for; read and write files directly")
        }
    }
}

/// A write to a pipe that nobody reads raises `SIGPIPE`, for which no flag of `writev(2)` asks otherwise.
enum BrokenPipes {
    /// Blocks the signal in the calling thread, the loop's: it is always the thread that writes that gets it.
    static func block() {
        var set = sigset_t()
        // SAFETY: the set is this function's own.
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }
}
