/* floats: an image is blurred, sharpened and clamped, points are turned by matrices, whole numbers are summed as doubles */
#include "bench.h"
const char bench_name[] = "blur";
enum { W = 256, H = 192 };
static NOINLINE void blur(float *restrict out, const float *restrict in) {
    static const float k[5] = {0.0625f, 0.25f, 0.375f, 0.25f, 0.0625f};
    for (int y = 2; y < H - 2; y++) for (int x = 2; x < W - 2; x++) {
        float sum = 0;
        for (int j = -2; j <= 2; j++) for (int i = -2; i <= 2; i++) sum += k[j + 2] * k[i + 2] * in[(y + j) * W + x + i];
        out[y * W + x] = sum;
    }
}
static NOINLINE void sharpen(float *restrict image, const float *restrict soft, u8 *restrict bytes) {
    for (int i = 0; i < W * H; i++) {
        float v = image[i] + 0.5f * (image[i] - soft[i]);
        v = v < 0 ? 0 : v > 255 ? 255 : v;
        image[i] = v; bytes[i] = (u8)(int)v;
    }
}
static NOINLINE float turn(float (*points)[4], int n, const float (*m)[4]) {
    float most = 0;
    for (int p = 0; p < n; p++) {
        float q[4];
        for (int i = 0; i < 4; i++) q[i] = m[i][0] * points[p][0] + m[i][1] * points[p][1] + m[i][2] * points[p][2] + m[i][3] * points[p][3];
        float d = __builtin_sqrtf(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]);
        if (d > most) most = d;
        for (int i = 0; i < 3; i++) points[p][i] = q[i] / (d + 1);
    }
    return most;
}
static NOINLINE double whole(const u8 *bytes, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) { sum += bytes[i] * 3.0 - 7.0; if (sum > 1e9) sum -= 1e9; }
    return sum;
}
u64 bench_main(void) {
    float *image = (float *)arena, *soft = image + W * H, (*points)[4] = (float (*)[4])(soft + W * H);
    u8 *bytes = arena + (8 << 20);
    static const float m[4][4] = {{0.8f, -0.6f, 0, 1}, {0.6f, 0.8f, 0, 2}, {0, 0.28f, 0.96f, 3}, {0, 0, 0, 1}};
    u64 h = 0, s = 88172645463325252ul;
    for (int r = 0; r < 3 * SCALE; r++) {
        for (int i = 0; i < W * H; i++) { image[i] = (float)(rng(&s) & 255); soft[i] = image[i]; bytes[i] = (u8)image[i]; }
        for (int k = 0; k < 4; k++) h = h * 31 + (u64)(i64)whole(bytes, W * H);
        blur(soft, image); sharpen(image, soft, bytes);
        for (int p = 0; p < 4000; p++) { for (int i = 0; i < 3; i++) points[p][i] = (float)(int)(rng(&s) & 1023) / 16.0f; points[p][3] = 1; }
        for (int k = 0; k < 4; k++) { union { float f; u32 u; } most; most.f = turn(points, 4000, m); h = h * 31 + most.u; }
        for (int i = 0; i < W * H; i += 7) h = h * 31 + bytes[i];
    }
    return h;
}
