// The kernel's form of a Unix address: struct sockaddr_un, whose length says what it is (unix(7), "Address format").

extension UnixAddress {
    /// The size of `struct sockaddr_un`: a family of two bytes and a name of 108.
    package static var maximumKernelLength: Int { 110 }

    /// The address in `bytes`, exactly as many as the kernel reported.
    ///
    /// None or only the family: unnamed. A NUL first: abstract, of the exact length. Otherwise a path, up to its NUL if
    /// there is one: Linux also binds paths of 108 bytes, which leave no room for it, and such a peer gets its replies.
    package init(kernelBytes bytes: RawSpan) throws(AddressError) {
        // recvmsg reports no bytes at all for an unnamed sender, getsockname the family.
        guard !bytes.isEmpty else {
            self = .unnamed
            return
        }
        var reader = ByteReader(bytes)
        guard bytes.byteCount <= Self.maximumKernelLength, let family = try? reader.readUInt16(.host) else {
            throw AddressError(.wrongLength, text: "", offset: bytes.byteCount)
        }
        guard family == SocketAddress.Family.unix.rawValue else {
            throw AddressError(.wrongFamily, text: "", offset: 0)
        }
        guard !reader.isAtEnd else {
            self = .unnamed
            return
        }
        let name = reader.readRest().bytes
        guard name[0] != 0 else {
            self.init(.abstract, name.extracting(1...))
            return
        }
        var count = 0
        while count < name.count, name[count] != 0 { count += 1 }
        self.init(.path, name.extracting(first: count))
    }

    /// How many bytes ``write(kernelBytesTo:)`` writes: the address length to hand to the kernel.
    package var kernelLength: Int {
        switch kind {
        case .unnamed: 2
        case .abstract: 2 + 1 + Int(count)
        case .path: min(2 + Int(count) + 1, Self.maximumKernelLength)
        }
    }

    /// Writes the address as the kernel wants it: the family in host order, then the name; a path with its NUL, except
    /// where 108 bytes leave no room, an abstract name behind a NUL.
    ///
    /// Throws ``ByteError`` and writes nothing if `output` has less than ``kernelLength`` bytes free.
    @_lifetime(output: copy output)
    package func write(kernelBytesTo output: inout OutputRawSpan) throws(ByteError) {
        try output.write { writer throws(ByteError) in
            try writer.writeUInt16(SocketAddress.Family.unix.rawValue, .host)
            if isAbstract { try writer.writeUInt8(0) }
            try writer.write(name)
            if writer.count < kernelLength { try writer.writeUInt8(0) }
        }
    }

    /// Calls `body` with the address as the kernel takes it.
    package func withKernelBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe withUnsafeTemporaryAllocation(byteCount: Self.maximumKernelLength, alignment: 2) { buffer in
            var output = unsafe OutputRawSpan(buffer: buffer, initializedCount: 0)
            do throws(ByteError) {
                try write(kernelBytesTo: &output)
            } catch {
                preconditionFailure("\(Self.maximumKernelLength) bytes hold every address: \(error)")
            }
            let count = unsafe output.finalize(for: buffer)
            return unsafe body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
