import Glibc
import Testing
import VolleyCore

@Suite("Unix addresses")
struct UnixAddressTests {
    @Test("Each kind has its name and its description")
    func kinds() throws {
        let path = try UnixAddress(path: "/run/x.sock")
        #expect(path.isPath && !path.isAbstract && !path.isUnnamed)
        #expect(path.path == "/run/x.sock" && path.description == "unix:/run/x.sock")
        let abstract = try UnixAddress(abstract: "volley")
        #expect(abstract.isAbstract && !abstract.isPath && !abstract.isUnnamed)
        #expect(abstract.path == nil && abstract.description == "unix:@volley")
        #expect(bytes(of: abstract) == Array("volley".utf8))
        let unnamed = UnixAddress.unnamed
        #expect(unnamed.isUnnamed && !unnamed.isPath && !unnamed.isAbstract)
        #expect(bytes(of: unnamed) == [] && unnamed.description == "unix:(unnamed)")
    }

    @Test("A description is always plain text and tells all names apart")
    func escaping() throws {
        #expect(try UnixAddress(path: "/run/prüfung \\1").description == "unix:/run/prüfung \\1")
        #expect(try UnixAddress(path: "a\nb\\").description == "unix:a\\x0ab\\x5c")
        #expect(try UnixAddress(path: "@x").description == "unix:./@x")
        #expect(try UnixAddress(abstract: "x").description == "unix:@x")
        let bytes: [UInt8] = [0, 0xff, 0x41]
        #expect(try UnixAddress(abstract: bytes.span).description == "unix:@\\x00\\xffA")
        #expect(try UnixAddress(path: bytes.span.extracting(1...)).path == nil)
    }

    @Test("Names have at most 107 bytes, of UTF-8")
    func lengths() throws {
        let longest = String(repeating: "x", count: 107)
        #expect(try UnixAddress(path: longest).path == longest)
        #expect(try UnixAddress(abstract: longest).description == "unix:@" + longest)
        #expect(try UnixAddress(abstract: "").isAbstract)
        let tooLong = longest + "x"
        #expect(throws: AddressError(.nameTooLong, text: tooLong, offset: 108)) { try UnixAddress(path: tooLong) }
        #expect(throws: AddressError(.nameTooLong, text: tooLong, offset: 108)) { try UnixAddress(abstract: tooLong) }
        let umlauts = String(repeating: "ü", count: 54)
        #expect(throws: AddressError(.nameTooLong, text: umlauts, offset: 108)) { try UnixAddress(path: umlauts) }
        #expect(throws: AddressError(.emptyName, text: "", offset: 0)) { try UnixAddress(path: "") }
        #expect(throws: AddressError(.nulInPath, text: "/a\0b", offset: 2)) { try UnixAddress(path: "/a\0b") }
        #expect(throws: AddressError.self) { try UnixAddress(path: [UInt8](repeating: 1, count: 300).span) }
    }

    @Test("Equal are same kind and same bytes")
    func equality() throws {
        let names = ["a", "b", "ab", "abcdefgh", "abcdefgi", "abcdefghi"]
        var all: [UnixAddress] = [.unnamed]
        for name in names { all += [try UnixAddress(path: name), try UnixAddress(abstract: name)] }
        all.append(try UnixAddress(abstract: ""))
        #expect(Set(all).count == all.count)
        #expect(Set(all + all).count == all.count)
        for (index, one) in all.enumerated() {
            for (other, two) in all.enumerated() { #expect((one == two) == (index == other)) }
        }
    }

    @Test("The kernel form follows unix(7): length, terminator, exact abstract names")
    func kernelForm() throws {
        #expect(try kernelBytes(.unnamed) == [1, 0])
        #expect(try kernelBytes(UnixAddress(path: "/x")) == [1, 0, 0x2f, 0x78, 0])
        #expect(try kernelBytes(UnixAddress(abstract: "x")) == [1, 0, 0, 0x78])
        #expect(try kernelBytes(UnixAddress(abstract: "")) == [1, 0, 0])
        for count in 1...107 {
            let name = String(repeating: "n", count: count)
            for address in [try UnixAddress(path: name), try UnixAddress(abstract: name)] {
                let bytes = try kernelBytes(address)
                #expect(bytes.count == 3 + count)
                #expect(try UnixAddress(kernelBytes: RawSpan(bytes.span)) == address)
            }
        }
    }

    @Test("No bytes at all and a family alone are the unnamed address")
    func unnamedKernelForms() throws {
        #expect(try UnixAddress(kernelBytes: RawSpan()) == .unnamed)
        #expect(try UnixAddress(kernelBytes: RawSpan(([1, 0] as [UInt8]).span)) == .unnamed)
    }

    @Test("A path ends at its NUL, or at the end where 108 bytes leave no room for one")
    func pathEnds() throws {
        let padded: [UInt8] = [1, 0, 0x2f, 0x78, 0, 0x79, 0]
        #expect(try UnixAddress(kernelBytes: RawSpan(padded.span)).path == "/x")
        let unterminated: [UInt8] = [1, 0, 0x2f, 0x78]
        #expect(try UnixAddress(kernelBytes: RawSpan(unterminated.span)).path == "/x")
        let full = [1, 0] + [UInt8](repeating: 0x78, count: 108)
        let address = try UnixAddress(kernelBytes: RawSpan(full.span))
        #expect(address.path?.utf8.count == 108)
        #expect(try kernelBytes(address) == full)
    }

    @Test("Bytes that are no Unix address are refused")
    func malformedKernelForms() {
        func refuse(_ bytes: [UInt8], _ code: AddressError.Code) {
            let error = #expect(throws: AddressError.self) { try UnixAddress(kernelBytes: RawSpan(bytes.span)) }
            #expect(error?.code == code)
        }
        refuse([1], .wrongLength)
        refuse([1, 0] + [UInt8](repeating: 0x78, count: 109), .wrongLength)
        refuse([2, 0], .wrongFamily)
        refuse([10, 0, 0x2f], .wrongFamily)
    }

    @Test("An address that does not fit is not written at all")
    func noRoom() throws {
        let address = try UnixAddress(path: "/x")
        var storage = [UInt8](repeating: 0xee, count: 4)
        let count = storage.withOutput { output in
            #expect(throws: ByteError.self) { try address.write(kernelBytesTo: &output) }
        }
        #expect(count == 0)
    }

    @Test("The kernel reports the addresses it was given")
    func kernelAgrees() throws {
        let unique = "volley-test-\(getpid())"
        let abstract = try UnixAddress(abstract: unique)
        let path = try UnixAddress(path: "/tmp/\(unique).sock")
        // SAFETY: the string lives as long as the call.
        defer { unsafe unlink("/tmp/\(unique).sock") }
        for address in [.unnamed, abstract, path] {
            let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            try #require(descriptor >= 0)
            defer { close(descriptor) }
            if !address.isUnnamed {
                let bytes = try kernelBytes(address)
                // SAFETY: bind(2) reads as many bytes as it is told the array has.
                let result = unsafe bytes.withUnsafeBytes { buffer in
                    let pointer = unsafe buffer.baseAddress?.assumingMemoryBound(to: sockaddr.self)
                    return unsafe bind(descriptor, pointer, socklen_t(buffer.count))
                }
                try #require(result == 0)
            }
            var reported = [UInt8](repeating: 0, count: 110)
            var length = socklen_t(reported.count)
            // SAFETY: getsockname(2) writes as many bytes as it is told the array has.
            let result = unsafe reported.withUnsafeMutableBytes { buffer in
                unsafe getsockname(descriptor, buffer.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
            }
            try #require(result == 0)
            let name = reported.span.extracting(first: Int(length))
            #expect(try UnixAddress(kernelBytes: RawSpan(name)) == address)
            #expect(Int(length) == address.kernelLength)
        }
    }

    private func bytes(of address: UnixAddress) -> [UInt8] { [UInt8](copying: RawSpan(address.name)) }

    private func kernelBytes(_ address: UnixAddress) throws -> [UInt8] {
        var storage = [UInt8](repeating: 0xee, count: 128)
        let count = try storage.withOutput { output throws(ByteError) in
            output.append(0xaa)
            try address.write(kernelBytesTo: &output)
        }
        #expect(count == 1 + address.kernelLength)
        return Array(storage[1..<count])
    }
}
