internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// The live `StreamWorld`: a connected, non-blocking kernel socket in an ``EpollLoop``.
@safe
final class StreamSocketWorld: StreamWorld, EpollHandler {
    private let loop: EpollLoop
    private let descriptor: CInt
    // The transport owns this world and outlives every use: the loop holds it until `shutDown`.
    private unowned(unsafe) let transport: FlowTransport
    let receiveBuffer: UnsafeMutableRawBufferPointer
    private let calls: UnsafePointer<StreamSyscalls>
    private let resetsOnAbort: Bool
    private let state: UnsafeMutablePointer<State>

    /// What every wake-up looks at: behind a pointer, where looking costs a load and no check for exclusive access.
    private struct State {
        var isReading = false
        var isAwaitingWritable = false
        /// What epoll has been told.
        var interest: UInt32 = 0
        var token: EpollLoop.Token?
    }

    init(_ descriptor: CInt, transport: FlowTransport, loop: EpollLoop, resetsOnAbort: Bool) {
        self.descriptor = descriptor
        unsafe self.transport = transport
        self.loop = loop
        self.resetsOnAbort = resetsOnAbort
        unsafe receiveBuffer = loop.streamMemory.receiveBuffer
        unsafe calls = loop.streamMemory.calls
        // SAFETY: owned by this object, freed in deinit, and used on the loop's thread only.
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: State())
    }

    deinit { unsafe state.deallocate() }

    func ready(_ events: UInt32) {
        if unsafe state.pointee.isReading, events & UInt32(VOLLEY_READABLE | VOLLEY_ERROR | VOLLEY_HANGUP) != 0 {
            unsafe transport.readable()
        }
        if unsafe state.pointee.isAwaitingWritable,
            events & UInt32(VOLLEY_WRITABLE | VOLLEY_ERROR | VOLLEY_HANGUP) != 0
        {
            unsafe transport.writable()
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        // SAFETY: a buffer that is not empty has an address.
        unsafe calls.pointee.receive(descriptor, buffer.baseAddress.unsafelyUnwrapped, buffer.count)
    }

    func write(_ vectors: UnsafePointer<StreamVector>, count: Int) -> Int {
        if count == 1 {
            return unsafe calls.pointee.send(descriptor, vectors.pointee.start, vectors.pointee.count)
        }
        // SAFETY: StreamVector has the layout of iovec; the call only reads.
        return unsafe vectors.withMemoryRebound(to: iovec.self, capacity: count) {
            unsafe calls.pointee.sendVectors(descriptor, $0, count)
        }
    }

    func shutDownWriting() -> Int { unsafe calls.pointee.shutDownWriting(descriptor) }

    func setReading(_ isOn: Bool) {
        unsafe state.pointee.isReading = isOn
        updateInterest()
    }

    func setAwaitingWritable(_ isOn: Bool) {
        unsafe state.pointee.isAwaitingWritable = isOn
        updateInterest()
    }

    /// Tells epoll what is wanted; with nothing wanted the descriptor leaves it, since epoll reports errors regardless.
    private func updateInterest() {
        var wanted: UInt32 = 0
        if unsafe state.pointee.isReading { wanted |= UInt32(VOLLEY_READABLE) }
        if unsafe state.pointee.isAwaitingWritable { wanted |= UInt32(VOLLEY_WRITABLE) }
        guard unsafe wanted != state.pointee.interest else { return }
        unsafe state.pointee.interest = wanted
        if let token = unsafe state.pointee.token {
            if wanted == 0 {
                loop.deregister(token, descriptor)
                unsafe state.pointee.token = nil
            } else {
                loop.modify(token, descriptor, events: wanted)
            }
        } else {
            do throws(StreamError) {
                unsafe state.pointee.token = try loop.register(descriptor, events: wanted, handler: self)
            } catch {
                unsafe state.pointee.interest = 0
                unsafe transport.lose(error)
            }
        }
    }

    func shutDown(isAborted: Bool) {
        unsafe state.pointee.isReading = false
        unsafe state.pointee.isAwaitingWritable = false
        updateInterest()
        if isAborted, resetsOnAbort { System.resetOnClose(descriptor) }
        System.close(descriptor)
    }

    func extraInfo(_ name: String) -> (any Sendable)? { name == "descriptor" ? descriptor : nil }
}

/// What all streams of a loop share: the memory they receive into, one after the other, of which only what is used takes
/// up memory; and the system calls, behind a pointer, where a call costs no check.
@safe
final class StreamMemory {
    let receiveBuffer: UnsafeMutableRawBufferPointer
    let calls: UnsafePointer<StreamSyscalls>

    init(_ syscalls: StreamSyscalls, size: Int = 262_144) {
        // SAFETY: freed in deinit; worlds, which hold the loop and with it this, do not outlive it.
        unsafe receiveBuffer = .allocate(byteCount: size, alignment: 4_096)
        let calls = UnsafeMutablePointer<StreamSyscalls>.allocate(capacity: 1)
        unsafe calls.initialize(to: syscalls)
        unsafe self.calls = UnsafePointer(calls)
    }

    deinit {
        unsafe receiveBuffer.deallocate()
        let calls = unsafe UnsafeMutablePointer(mutating: calls)
        unsafe calls.deinitialize(count: 1)
        unsafe calls.deallocate()
    }
}
