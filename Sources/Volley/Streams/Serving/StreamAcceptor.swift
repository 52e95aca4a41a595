internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// One listening socket in an ``EpollLoop``.
final class StreamAcceptor: EpollHandler {
    let descriptor: CInt
    let localAddress: SocketAddress?
    let unixAddress: UnixAddress?
    private unowned let server: ServerCore
    private let loop: EpollLoop
    private var token: EpollLoop.Token?
    private var rest: ScheduledCall?
    private var isWanted = false
    /// The socket file this made: its path, device and inode.
    private let file: (path: String, identity: [UInt64])?

    init(_ socket: consuming StreamSocket, file: (path: String, identity: [UInt64])?, server: ServerCore) {
        let names = socket.names()
        localAddress = names.local
        unixAddress = names.unixLocal
        self.server = server
        self.file = file
        loop = server.loop
        descriptor = socket.release()
    }

    /// Whether a connection's own address is this one's, and need not be asked for.
    private var isOneAddress: Bool { localAddress.map { !$0.ip.isUnspecified } ?? true }

    /// Turns accepting on or off; a rest is kept.
    func setAccepting(_ isOn: Bool) {
        isWanted = isOn
        if isOn, rest == nil, token == nil {
            do throws(StreamError) {
                token = try loop.register(descriptor, events: UInt32(VOLLEY_READABLE), handler: self)
            } catch {
                // For want of kernel memory: as good as an accept that fails for it.
                server.acceptFailed(error.errno)
                restAwhile()
            }
        } else if !isOn || rest != nil, let token = token.take() {
            loop.deregister(token, descriptor)
        }
    }

    /// Stops listening; connections the kernel has accepted meanwhile are reset by it.
    func close() {
        setAccepting(false)
        rest?.cancel()
        System.close(descriptor)
        if let file, System.fileIdentity(file.path) == file.identity { System.unlinkFile(file.path) }
    }

    func ready(_ events: UInt32) {
        for _ in 0..<server.options.acceptsPerTurn where token != nil {
            guard acceptOne() else { return }
        }
    }

    /// Accepts one connection; returns whether there may be another.
    private func acceptOne() -> Bool {
        var name = volley_name()
        let result: Int = unsafe loop.syscalls.stream.accept(descriptor, &name)
        if result >= 0 {
            server.accept(CInt(result), names: names(of: CInt(result), peer: name))
            return true
        }
        let errno = Errno(rawValue: CInt(truncatingIfNeeded: -result))
        switch errno {
        case .wouldBlock, .resourceTemporarilyUnavailable: return false
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noBufferSpace, .noMemory, .badFileDescriptor,
            .invalidArgument, .notSocket, .notSupportedOnSocket:
            // Whatever there is to accept stays there, and would wake the loop for ever.
            server.acceptFailed(errno)
            restAwhile()
            return false
        default:
            // A connection's own failure (accept(2)): the next may be well.
            server.acceptFailed(errno)
            return true
        }
    }

    private func names(of descriptor: CInt, peer: volley_name) -> StreamNames {
        guard localAddress != nil else { return StreamNames(unixLocal: unixAddress, unixRemote: .unnamed) }
        let local =
            isOneAddress
            ? localAddress : System.name(of: descriptor, peer: false).flatMap(SocketAddress.init(kernelBytes:))
        return StreamNames(local: local, remote: SocketAddress(peer))
    }

    private func restAwhile() {
        server.noteBackOff()
        rest = loop.callLater(server.options.acceptRetryDelay) { [unowned self] in
            rest = nil
            setAccepting(isWanted)
        }
        setAccepting(isWanted)
    }
}
