/*
 * label_names.c - see label_names.h. The two lists say the same things, in one order.
 */
#include "net/label_names.h"

#include <string.h>

static const char *const english[] = {
    "person",    "child",     "crowd",      "baby",      "dog",
    "cat",       "bird",      "fish",       "horse",     "cow",
    "sheep",     "elephant",  "bear",       "monkey",    "insect",
    "butterfly", "snake",     "flower",     "tree",      "forest",
    "grass",     "fruit",     "vegetable",  "bread",     "cake",
    "meal",      "drink",     "coffee",     "beach",     "sea",
    "lake",      "river",     "waterfall",  "mountain",  "desert",
    "snow",      "sky",       "sunset",     "night",     "city",
    "street",    "building",  "house",      "bridge",    "church",
    "castle",    "room",      "kitchen",    "bedroom",   "office",
    "shop",      "garden",    "car",        "truck",     "bus",
    "train",     "bicycle",   "motorcycle", "aeroplane", "boat",
    "road",      "computer",  "telephone",  "camera",    "television",
    "book",      "newspaper", "document",   "map",       "sign",
    "painting",  "drawing",   "statue",     "toy",       "musical instrument",
    "ball",      "sport",     "football",   "swimming",  "dance",
    "wedding",   "party",     "clothes",    "shoe",      "hat",
    "bag",       "jewellery", "watch",      "glasses",   "chair",
    "table",     "bed",       "sofa",       "lamp",      "clock",
    "tool",      "bottle",    "cup",        "knife",     "fire"};

static const char *const chinese[] = {
    "人",       "儿童", "人群",   "婴儿",   "狗",     "猫",   "鸟",   "鱼",   "马",
    "牛",       "羊",   "大象",   "熊",     "猴子",   "昆虫", "蝴蝶", "蛇",   "花",
    "树",       "森林", "草地",   "水果",   "蔬菜",   "面包", "蛋糕", "饭菜", "饮料",
    "咖啡",     "海滩", "大海",   "湖",     "河流",   "瀑布", "山",   "沙漠", "雪",
    "天空",     "日落", "夜晚",   "城市",   "街道",   "建筑", "房子", "桥",   "教堂",
    "城堡",     "房间", "厨房",   "卧室",   "办公室", "商店", "花园", "汽车", "卡车",
    "公共汽车", "火车", "自行车", "摩托车", "飞机",   "船",   "道路", "电脑", "电话",
    "相机",     "电视", "书",     "报纸",   "文件",   "地图", "标志", "油画", "图画",
    "雕像",     "玩具", "乐器",   "球",     "运动",   "足球", "游泳", "舞蹈", "婚礼",
    "聚会",     "衣服", "鞋",     "帽子",   "包",     "首饰", "手表", "眼镜", "椅子",
    "桌子",     "床",   "沙发",   "灯",     "时钟",   "工具", "瓶子", "杯子", "刀",
    "火"};

enum { N_NAMES = sizeof english / sizeof english[0] };
_Static_assert(sizeof chinese == sizeof english, "as many");

const char *const *label_names(const char *lang, size_t *n)
{
    *n = N_NAMES;
    if (strcmp(lang, "en") == 0) {
        return english;
    }
    return strcmp(lang, "zh") == 0 ? chinese : NULL;
}
