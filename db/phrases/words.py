"""The words of the phrase lists, in English and Chinese side by side.

Written for this project; nothing is taken from a corpus. A noun is "english 量词名词": the
first Chinese character is the measure word. '*' before the English: it takes no article.
"""

ANIMALS = """
dog 只狗; puppy 只小狗; cat 只猫; kitten 只小猫; horse 匹马; pony 匹小马; donkey 头驴; zebra 匹斑马; cow 头奶牛;
bull 头公牛; calf 头小牛; buffalo 头水牛; bison 头野牛; sheep 只绵羊; lamb 只小羊; goat 只山羊; pig 头猪;
piglet 头小猪; rabbit 只兔子; hamster 只仓鼠; guinea pig 只豚鼠; mouse 只老鼠; rat 只大老鼠; squirrel 只松鼠;
chipmunk 只花栗鼠; beaver 只河狸; hedgehog 只刺猬; porcupine 只豪猪; skunk 只臭鼬; raccoon 只浣熊; badger 只獾;
otter 只水獭; weasel 只黄鼠狼; fox 只狐狸; wolf 只狼; coyote 只郊狼; hyena 只鬣狗; lion 头狮子; lioness 头母狮;
tiger 只老虎; leopard 只豹子; cheetah 只猎豹; jaguar 只美洲豹; lynx 只猞猁; bear 头熊; brown bear 头棕熊;
polar bear 头北极熊; panda 只大熊猫; koala 只考拉; kangaroo 只袋鼠; wombat 只袋熊; opossum 只负鼠; monkey 只猴子; baboon 只狒狒;
gorilla 只大猩猩; chimpanzee 只黑猩猩; orangutan 只猩猩; lemur 只狐猴; elephant 头大象; rhinoceros 头犀牛;
hippopotamus 头河马; giraffe 只长颈鹿; camel 头骆驼; llama 只羊驼; deer 只鹿; moose 头驼鹿; reindeer 只驯鹿;
antelope 只羚羊; bat 只蝙蝠; whale 头鲸; dolphin 只海豚; orca 头虎鲸; seal 只海豹; sea lion 只海狮; walrus 头海象;
shark 条鲨鱼; fish 条鱼; goldfish 条金鱼; tropical fish 条热带鱼; eel 条鳗鱼; sea horse 只海马; octopus 只章鱼; squid 只鱿鱼;
jellyfish 只水母; crab 只螃蟹; lobster 只龙虾; shrimp 只虾; clam 只蛤蜊; starfish 只海星; seashell 个贝壳; snail 只蜗牛; slug 条鼻涕虫;
worm 条虫子; frog 只青蛙; toad 只蟾蜍; tadpole 只蝌蚪; salamander 只蝾螈; lizard 只蜥蜴; chameleon 只变色龙; iguana 只鬣蜥; gecko 只壁虎;
snake 条蛇; turtle 只海龟; tortoise 只乌龟; crocodile 条鳄鱼; dinosaur 只恐龙; dragon 条龙; unicorn 只独角兽;
bird 只鸟; small bird 只小鸟; chicken 只鸡; rooster 只公鸡; hen 只母鸡; chick 只小鸡; duck 只鸭子; duckling 只小鸭子; goose 只鹅; swan 只天鹅;
turkey 只火鸡; pigeon 只鸽子; dove 只白鸽; sparrow 只麻雀; robin 只知更鸟; crow 只乌鸦; magpie 只喜鹊; parrot 只鹦鹉; budgie 只虎皮鹦鹉; toucan 只巨嘴鸟;
owl 只猫头鹰; eagle 只老鹰; hawk 只鹰; falcon 只猎鹰; vulture 只秃鹫; seagull 只海鸥; pelican 只鹈鹕; heron 只鹭; stork 只鹳;
crane 只鹤; flamingo 只火烈鸟; peacock 只孔雀; ostrich 只鸵鸟; emu 只鸸鹋; penguin 只企鹅; puffin 只海鹦; hummingbird 只蜂鸟; kingfisher 只翠鸟;
woodpecker 只啄木鸟; butterfly 只蝴蝶; moth 只飞蛾; caterpillar 条毛毛虫; bee 只蜜蜂; bumblebee 只大黄蜂; wasp 只黄蜂; ant 只蚂蚁;
beetle 只甲虫; ladybug 只瓢虫; dragonfly 只蜻蜓; grasshopper 只蚱蜢; cricket 只蟋蟀; praying mantis 只螳螂; fly 只苍蝇; mosquito 只蚊子;
spider 只蜘蛛; scorpion 只蝎子; cockroach 只蟑螂
"""

DOGS = """
German shepherd 只德国牧羊犬; golden retriever 只金毛犬; Labrador 只拉布拉多犬; poodle 只贵宾犬; bulldog 只斗牛犬; beagle 只比格犬; husky 只哈士奇;
dachshund 只腊肠犬; Dalmatian 只斑点狗; chihuahua 只吉娃娃; greyhound 只灰狗; border collie 只边境牧羊犬; terrier 只梗犬; spaniel 只西班牙猎犬
"""

FRUIT = """
apple 个苹果; red apple 个红苹果; green apple 个青苹果; pear 个梨; orange 个橙子; tangerine 个橘子; lemon 个柠檬; lime 个青柠; grapefruit 个柚子;
banana 根香蕉; *bananas 把香蕉; *grapes 串葡萄; strawberry 颗草莓; *strawberries 盘草莓; raspberry 颗树莓; *blueberries 碗蓝莓; *blackberries 碗黑莓; cherry 颗樱桃;
*cherries 串樱桃; peach 个桃子; apricot 个杏; plum 个李子; mango 个芒果; pineapple 个菠萝; coconut 个椰子; kiwi fruit 个猕猴桃; melon 个甜瓜;
watermelon 个西瓜; slice of watermelon 片西瓜; fig 个无花果; pomegranate 个石榴; papaya 个木瓜; dragon fruit 个火龙果; avocado 个牛油果; olive 颗橄榄; *lychees 串荔枝;
walnut 个核桃; acorn 颗橡子; almond 颗杏仁; peanut 颗花生; chestnut 颗栗子; *nuts 把坚果; tomato 个西红柿; *tomatoes 堆西红柿; potato 个土豆; sweet potato 个红薯; carrot 根胡萝卜;
*carrots 把胡萝卜; onion 个洋葱; head of garlic 头大蒜; cucumber 根黄瓜; pepper 个辣椒; red bell pepper 个红甜椒; chili pepper 根辣椒; eggplant 个茄子; pumpkin 个南瓜; zucchini 个西葫芦;
corn cob 根玉米; cabbage 棵卷心菜; lettuce 棵生菜; broccoli 棵西兰花; cauliflower 棵菜花; *spinach 把菠菜; *celery 把芹菜; *asparagus 把芦笋; radish 个小萝卜; turnip 个萝卜; beet 个甜菜;
*peas 碗豌豆; *beans 碗豆子; mushroom 个蘑菇; *mushrooms 堆蘑菇; *herbs 把香草; *spices 些香料; ginger root 块姜
"""

DISHES = """
*bread 块面包; loaf of bread 条面包; slice of bread 片面包; baguette 根法棍; croissant 个羊角面包; bagel 个百吉饼; pretzel 个椒盐卷饼; muffin 个松饼; sandwich 个三明治; hamburger 个汉堡包; cheeseburger 个芝士汉堡;
hot dog 个热狗; pizza 个披萨; slice of pizza 块披萨; taco 个墨西哥卷饼; burrito 个墨西哥肉卷; *french fries 份薯条; *potato chips 袋薯片; *popcorn 桶爆米花; *spaghetti 盘意大利面; plate of pasta 盘意面; lasagna 份千层面;
bowl of soup 碗汤; bowl of noodles 碗面条; bowl of ramen 碗拉面; bowl of rice 碗米饭; plate of fried rice 盘炒饭; *dumplings 盘饺子; steamed bun 个包子; *sushi 盘寿司; sushi roll 个寿司卷; curry 份咖喱; salad 份沙拉; bowl of salad 碗沙拉;
steak 块牛排; grilled chicken 只烤鸡; roast turkey 只烤火鸡; chicken leg 个鸡腿; *chicken wings 盘鸡翅; ham 块火腿; *bacon 片培根; sausage 根香肠; *meatballs 盘肉丸; grilled fish 条烤鱼; *salmon 块三文鱼; plate of seafood 盘海鲜; *kebabs 串烤肉;
egg 个鸡蛋; fried egg 个煎鸡蛋; boiled egg 个煮鸡蛋; carton of eggs 盒鸡蛋; omelette 份煎蛋卷; *pancakes 叠煎饼; waffle 块华夫饼; bowl of cereal 碗麦片; piece of cheese 块奶酪; *butter 块黄油; jar of honey 罐蜂蜜; jar of jam 罐果酱; yogurt 杯酸奶;
cake 个蛋糕; birthday cake 个生日蛋糕; chocolate cake 个巧克力蛋糕; wedding cake 个婚礼蛋糕; piece of cake 块蛋糕; cupcake 个纸杯蛋糕; cheesecake 块芝士蛋糕; apple pie 个苹果派; donut 个甜甜圈; cookie 块曲奇; *cookies 盘曲奇; gingerbread man 个姜饼人; chocolate bar 块巧克力;
*chocolates 盒巧克力; *candy 堆糖果; lollipop 根棒棒糖; candy cane 根拐杖糖; ice cream cone 个冰淇淋甜筒; bowl of ice cream 碗冰淇淋; popsicle 根冰棍; mooncake 块月饼; *tofu 块豆腐; hot pot 个火锅; lunch box 个便当; plate of food 盘食物; *breakfast 份早餐; fruit bowl 盘水果;
cup of coffee 杯咖啡; cup of tea 杯茶; pot of tea 壶茶; glass of water 杯水; glass of milk 杯牛奶; glass of juice 杯果汁; glass of wine 杯葡萄酒; glass of beer 杯啤酒; cocktail 杯鸡尾酒; bottle of wine 瓶葡萄酒; bottle of beer 瓶啤酒; bottle of water 瓶水; can of soda 罐汽水; milkshake 杯奶昔; bubble tea 杯奶茶
"""

PLANTS = """
flower 朵花; rose 朵玫瑰; red rose 朵红玫瑰; tulip 朵郁金香; daisy 朵雏菊; sunflower 朵向日葵; lily 朵百合; orchid 朵兰花; water lily 朵睡莲; lotus 朵荷花; hibiscus flower 朵木槿花; daffodil 朵水仙; iris 朵鸢尾花; poppy 朵罂粟花;
dandelion 朵蒲公英; petunia 朵矮牵牛; pansy 朵三色堇; carnation 朵康乃馨; chrysanthemum 朵菊花; peony 朵牡丹; magnolia 朵玉兰花; geranium 朵天竺葵; *lavender 束薰衣草; *cherry blossoms 枝樱花; *wildflowers 片野花; bouquet of flowers 束花; vase of flowers 瓶花; potted plant 盆植物;
cactus 棵仙人掌; succulent 盆多肉植物; fern 株蕨类; ivy 株常春藤; bamboo 丛竹子; bush 丛灌木; hedge 道树篱; tree 棵树; tall tree 棵高大的树; bare tree 棵没有叶子的树; pine tree 棵松树; palm tree 棵棕榈树; oak tree 棵橡树; birch tree 棵白桦树; willow tree 棵柳树; maple tree 棵枫树;
apple tree 棵苹果树; bonsai tree 盆盆景; tree stump 个树桩; tree trunk 根树干; log 根木头; branch 根树枝; leaf 片叶子; green leaf 片绿叶; maple leaf 片枫叶; *autumn leaves 堆秋叶; four-leaf clover 株四叶草; *grass 片草; seedling 株幼苗; *seaweed 片海藻; *moss 片苔藓; pine cone 个松果; *reeds 片芦苇
"""

VEHICLES = """
car 辆汽车; sports car 辆跑车; old car 辆老爷车; race car 辆赛车; taxi 辆出租车; police car 辆警车; ambulance 辆救护车; fire truck 辆消防车; bus 辆公共汽车; double-decker bus 辆双层巴士; school bus 辆校车; van 辆面包车; camper van 辆房车; pickup truck 辆皮卡; truck 辆卡车;
dump truck 辆自卸车; garbage truck 辆垃圾车; tractor 辆拖拉机; bulldozer 辆推土机; excavator 辆挖掘机; forklift 辆叉车; tank 辆坦克; jeep 辆吉普车; limousine 辆豪华轿车; go-kart 辆卡丁车; bicycle 辆自行车; mountain bike 辆山地车; tricycle 辆三轮车; unicycle 辆独轮车; motorcycle 辆摩托车; scooter 辆踏板车;
skateboard 块滑板; wheelchair 把轮椅; baby stroller 辆婴儿车; shopping cart 辆购物车; wheelbarrow 辆手推车; horse-drawn carriage 辆马车; sled 架雪橇; train 列火车; steam locomotive 台蒸汽机车; high-speed train 列高铁; subway train 列地铁; tram 辆有轨电车; airplane 架飞机; jet 架喷气式飞机; fighter jet 架战斗机;
propeller plane 架螺旋桨飞机; biplane 架双翼飞机; glider 架滑翔机; helicopter 架直升机; drone 架无人机; hot air balloon 个热气球; blimp 艘飞艇; rocket 枚火箭; space shuttle 架航天飞机; satellite 颗卫星; space station 座空间站; boat 条船; small boat 条小船; rowboat 条划艇; canoe 条独木舟; kayak 条皮划艇; sailboat 艘帆船; yacht 艘游艇;
speedboat 艘快艇; fishing boat 艘渔船; ship 艘轮船; cruise ship 艘游轮; cargo ship 艘货轮; warship 艘军舰; aircraft carrier 艘航空母舰; submarine 艘潜水艇; ferry 艘渡轮; raft 个木筏; gondola 条贡多拉; surfboard 块冲浪板; parachute 顶降落伞; traffic light 个红绿灯; stop sign 块停车标志; road sign 块路标; parking meter 个停车计时器; car wheel 个车轮; tire 个轮胎; engine 台发动机; anchor 个船锚
"""

CLOTHES = """
t-shirt 件T恤; shirt 件衬衫; blouse 件女衬衫; polo shirt 件polo衫; sweater 件毛衣; cardigan 件开衫; hoodie 件连帽衫; jacket 件夹克; leather jacket 件皮夹克; coat 件大衣; raincoat 件雨衣; vest 件背心; suit 套西装; tuxedo 套礼服; dress 条连衣裙; wedding dress 件婚纱; skirt 条裙子; *jeans 条牛仔裤; *trousers 条长裤; *shorts 条短裤;
swimsuit 件泳衣; bikini 套比基尼; *pajamas 套睡衣; bathrobe 件浴袍; kimono 件和服; apron 条围裙; uniform 套制服; *socks 双袜子; *gloves 双手套; *mittens 双连指手套; scarf 条围巾; tie 条领带; bow tie 个领结; belt 条皮带; hat 顶帽子; baseball cap 顶棒球帽; straw hat 顶草帽; cowboy hat 顶牛仔帽; top hat 顶礼帽; winter hat 顶毛线帽; helmet 顶头盔; crown 顶王冠;
shoe 只鞋; *shoes 双鞋; *sneakers 双运动鞋; *running shoes 双跑鞋; *boots 双靴子; *sandals 双凉鞋; *high heels 双高跟鞋; *slippers 双拖鞋; *flip-flops 双人字拖; *leather shoes 双皮鞋; handbag 个手提包; leather bag 个皮包; purse 个小包; wallet 个钱包; backpack 个背包; suitcase 个行李箱; tote bag 个帆布袋; shopping bag 个购物袋; briefcase 个公文包; umbrella 把雨伞;
*glasses 副眼镜; *sunglasses 副太阳镜; watch 块手表; ring 枚戒指; diamond ring 枚钻戒; necklace 条项链; pearl necklace 条珍珠项链; bracelet 条手链; *earrings 对耳环; brooch 枚胸针; button 颗纽扣; zipper 条拉链; mask 个面具; wig 顶假发; lipstick 支口红; perfume bottle 瓶香水; bottle of nail polish 瓶指甲油; suit of armor 套盔甲; sword 把剑; shield 面盾牌
"""

HOUSE = """
chair 把椅子; armchair 把扶手椅; rocking chair 把摇椅; office chair 把办公椅; stool 个凳子; bench 条长椅; sofa 张沙发; bed 张床; bunk bed 张双层床; crib 张婴儿床; table 张桌子; dining table 张餐桌; coffee table 张茶几; desk 张书桌; bookshelf 个书架; wardrobe 个衣柜; chest of drawers 个五斗柜; cabinet 个柜子; shelf 个架子; mirror 面镜子; lamp 盏灯; desk lamp 盏台灯;
chandelier 盏吊灯; lantern 盏灯笼; paper lantern 个纸灯笼; candle 根蜡烛; light bulb 个灯泡; flashlight 个手电筒; clock 个时钟; wall clock 个挂钟; alarm clock 个闹钟; hourglass 个沙漏; rug 块地毯; curtain 幅窗帘; window 扇窗户; door 扇门; wooden door 扇木门; pillow 个枕头; cushion 个靠垫; blanket 条毯子; towel 条毛巾; picture frame 个相框; painting 幅画; vase 个花瓶; basket 个篮子;
wicker basket 个柳条篮; box 个盒子; cardboard box 个纸箱; wooden box 个木箱; treasure chest 个宝箱; gift box 个礼物盒; wrapped present 份包好的礼物; bag 个袋子; bucket 个水桶; trash can 个垃圾桶; barrel 个木桶; bottle 个瓶子; glass bottle 个玻璃瓶; jar 个罐子; can 个罐头; cup 个杯子; mug 个马克杯; glass 个玻璃杯; wine glass 个高脚杯; teapot 个茶壶; kettle 个水壶; bowl 个碗; plate 个盘子; spoon 把勺子; fork 把叉子;
knife 把刀; kitchen knife 把菜刀; *chopsticks 双筷子; frying pan 个平底锅; cooking pot 个锅; wok 个炒锅; cutting board 块砧板; whisk 个打蛋器; ladle 把汤勺; rolling pin 根擀面杖; corkscrew 个开瓶器; stove 个炉灶; oven 个烤箱; microwave oven 台微波炉; toaster 台烤面包机; blender 台搅拌机; coffee maker 台咖啡机; refrigerator 台冰箱; dishwasher 台洗碗机; washing machine 台洗衣机; vacuum cleaner 台吸尘器; iron 个熨斗; sewing machine 台缝纫机; fan 台风扇;
hair dryer 个吹风机; toilet 个马桶; sink 个水槽; faucet 个水龙头; bathtub 个浴缸; shower 个淋浴; toothbrush 支牙刷; tube of toothpaste 支牙膏; comb 把梳子; hairbrush 把发刷; bar of soap 块肥皂; roll of toilet paper 卷卫生纸; broom 把扫帚; mop 个拖把; key 把钥匙; padlock 把挂锁; ladder 架梯子; fireplace 个壁炉; flag 面旗; balloon 个气球; *balloons 串气球; bell 个铃铛; snow globe 个水晶球
"""

TECH = """
computer 台电脑; laptop 台笔记本电脑; keyboard 个键盘; computer keyboard 个电脑键盘; computer mouse 个鼠标; computer monitor 台显示器; printer 台打印机; tablet computer 台平板电脑; mobile phone 部手机; telephone 部电话; old telephone 部老式电话; television 台电视机; radio 台收音机; *headphones 副耳机; loudspeaker 个音箱; microphone 个麦克风; camera 台照相机; video camera 台摄像机; film projector 台放映机; remote control 个遥控器;
game controller 个游戏手柄; handheld game console 台掌上游戏机; record player 台唱机; vinyl record 张黑胶唱片; compact disc 张光盘; battery 节电池; USB stick 个U盘; electric plug 个插头; cable 根电线; circuit board 块电路板; robot 个机器人; calculator 个计算器; typewriter 台打字机; telescope 台望远镜; *binoculars 副双筒望远镜; microscope 台显微镜; magnifying glass 个放大镜; compass 个指南针; globe 个地球仪; map 张地图; thermometer 支温度计; weighing scale 台秤;
solar panel 块太阳能板; wind turbine 台风力发电机; hammer 把锤子; screwdriver 把螺丝刀; wrench 把扳手; *pliers 把钳子; saw 把锯子; electric drill 把电钻; axe 把斧头; shovel 把铲子; rake 把耙子; screw 颗螺丝; nail 颗钉子; nut and bolt 套螺母和螺栓; tape measure 个卷尺; ruler 把尺子; toolbox 个工具箱; rope 根绳子; chain 条链子; gear 个齿轮; paintbrush 支画笔; paint can 桶油漆; paint palette 个调色板; pencil 支铅笔; *colored pencils 盒彩色铅笔; *crayons 盒蜡笔; pen 支钢笔; marker 支记号笔; eraser 块橡皮;
*scissors 把剪刀; stapler 个订书机; paper clip 个回形针; roll of tape 卷胶带; sheet of paper 张纸; notebook 本笔记本; book 本书; open book 本打开的书; stack of books 摞书; newspaper 份报纸; magazine 本杂志; envelope 个信封; letter 封信; postage stamp 张邮票; postcard 张明信片; credit card 张信用卡; coin 枚硬币; *coins 堆硬币; *banknotes 沓钞票; piggy bank 个存钱罐; calendar 本日历; trophy 座奖杯; medal 枚奖牌; bottle of pills 瓶药; pill 粒药片; syringe 支注射器; stethoscope 副听诊器; first aid kit 个急救箱; bandage 卷绷带; cannon 门大炮; bow and arrow 副弓箭; gun 把枪; bullet 颗子弹; bomb 枚炸弹
"""

FUN = """
guitar 把吉他; acoustic guitar 把木吉他; electric guitar 把电吉他; bass guitar 把贝斯; violin 把小提琴; cello 把大提琴; double bass 把低音提琴; harp 架竖琴; banjo 把班卓琴; mandolin 把曼陀林; ukulele 把尤克里里; piano 架钢琴; grand piano 架三角钢琴; accordion 台手风琴; organ 架管风琴; trumpet 把小号; trombone 把长号; tuba 把大号; French horn 把圆号; saxophone 支萨克斯; clarinet 支单簧管; oboe 支双簧管; flute 支长笛; recorder 支竖笛; harmonica 个口琴; *bagpipes 套风笛;
drum 面鼓; drum kit 套架子鼓; tambourine 个铃鼓; *cymbals 副镲; xylophone 台木琴; gong 面锣; music box 个音乐盒; sheet of music 张乐谱; ball 个球; football 个足球; soccer ball 个足球; basketball 个篮球; volleyball 个排球; baseball 个棒球; baseball bat 根棒球棒; baseball glove 只棒球手套; tennis ball 个网球; tennis racket 把网球拍; table tennis paddle 个乒乓球拍; badminton shuttlecock 个羽毛球; golf ball 个高尔夫球; golf club 根高尔夫球杆; bowling ball 个保龄球; hockey stick 根冰球杆; *ice skates 双冰鞋; *roller skates 双轮滑鞋; *skis 副滑雪板; snowboard 块单板滑雪板; *boxing gloves 副拳击手套; *dumbbells 副哑铃; yoga mat 张瑜伽垫;
frisbee 个飞盘; kite 只风筝; fishing rod 根钓鱼竿; tent 顶帐篷; campfire 堆篝火; hammock 张吊床; teddy bear 只泰迪熊; stuffed toy 个毛绒玩具; doll 个洋娃娃; toy car 辆玩具车; toy train 列玩具火车; toy airplane 架玩具飞机; rubber duck 只橡皮鸭; rocking horse 匹木马; *building blocks 堆积木; jigsaw puzzle 幅拼图; chessboard 副棋盘; chess piece 枚棋子; *playing cards 副扑克牌; *dice 对骰子; yo-yo 个溜溜球; spinning top 个陀螺; swing 个秋千; slide 个滑梯; seesaw 个跷跷板; trampoline 张蹦床; snowman 个雪人; Christmas tree 棵圣诞树; Christmas ornament 个圣诞装饰; wreath 个花环; jack-o'-lantern 个南瓜灯; Easter egg 个复活节彩蛋; *fireworks 片烟花; firecracker 串鞭炮; Santa Claus 个圣诞老人; ghost 个鬼; witch 个女巫; skeleton 具骷髅; skull 个头骨; clown 个小丑; pirate 个海盗; astronaut 个宇航员; knight 个骑士; angel 个天使; fairy 个仙女; mermaid 个美人鱼; robot toy 个玩具机器人; heart 颗心; star 颗星星; arrow 个箭头; circle 个圆; square 个正方形; triangle 个三角形; smiley face 张笑脸; letter of the alphabet 个字母; number 个数字; musical note 个音符; question mark 个问号
"""

PLACES = """
house 座房子; small house 座小房子; old house 座老房子; wooden cabin 座小木屋; farmhouse 座农舍; barn 座谷仓; castle 座城堡; palace 座宫殿; church 座教堂; mosque 座清真寺; temple 座寺庙; pagoda 座宝塔; cathedral 座大教堂; tower 座塔; clock tower 座钟楼; skyscraper 座摩天大楼; apartment building 座公寓楼; office building 座办公楼; brick building 座砖楼; old building 座老建筑; factory 座工厂; warehouse 座仓库; school 所学校; hospital 所医院; library 座图书馆; museum 座博物馆; stadium 座体育场; train station 座火车站; airport 座机场; gas station 座加油站; shop 家商店; supermarket 家超市; market stall 个市场摊位; restaurant 家餐馆; cafe 家咖啡馆; bakery 家面包店; hotel 家酒店;
lighthouse 座灯塔; windmill 座风车; water mill 座水车; bridge 座桥; suspension bridge 座吊桥; stone bridge 座石桥; dam 座水坝; pier 座码头; harbor 个港口; fountain 座喷泉; statue 座雕像; stone statue 座石像; sculpture 座雕塑; monument 座纪念碑; pyramid 座金字塔; ancient ruin 处古代遗迹; gate 座大门; archway 座拱门; staircase 座楼梯; balcony 个阳台; tunnel 条隧道; fence 道篱笆; brick wall 面砖墙; stone wall 面石墙; road 条路; dirt road 条土路; highway 条高速公路; street 条街道; narrow alley 条小巷; railway track 条铁轨; crosswalk 条人行横道; parking lot 个停车场; garden 座花园; park 个公园; playground 个游乐场; swimming pool 个游泳池; tennis court 个网球场; greenhouse 间温室; cemetery 处墓地; igloo 座冰屋; tree house 座树屋; birdhouse 个鸟屋; doghouse 个狗屋; mailbox 个邮箱; telephone booth 个电话亭; street lamp 盏路灯;
mountain 座山; snowy mountain 座雪山; volcano 座火山; hill 座小山; cliff 处悬崖; cave 个山洞; canyon 个峡谷; valley 个山谷; desert 片沙漠; sand dune 座沙丘; beach 片海滩; sandy beach 片沙滩; rocky coast 段岩石海岸; island 座岛; ocean 片大海; ocean wave 个海浪; lake 个湖; pond 个池塘; river 条河; stream 条小溪; waterfall 条瀑布; swamp 片沼泽; forest 片森林; pine forest 片松林; bamboo forest 片竹林; jungle 片丛林; meadow 片草地; wheat field 片麦田; rice field 片稻田; vineyard 片葡萄园; flower field 片花田; glacier 条冰川; iceberg 座冰山; coral reef 片珊瑚礁; rock 块石头; pile of rocks 堆石头; *clouds 片云; rainbow 道彩虹; lightning bolt 道闪电; tornado 股龙卷风; snowflake 片雪花; icicle 根冰柱; full moon 轮满月; crescent moon 弯新月; moon 个月亮; sun 个太阳; planet 颗行星; planet earth 颗地球; planet with rings 颗带环的行星; galaxy 个星系; comet 颗彗星; starry sky 片星空; blue sky 片蓝天; cloudy sky 片多云的天空; sunset 场日落; sunrise 场日出
"""

# Subjects of actions: English singular and Chinese.
PEOPLE = [("a man", "一个男人"), ("a woman", "一个女人"), ("a boy", "一个男孩"), ("a girl", "一个女孩"),
          ("a young child", "一个小孩"), ("two people", "两个人"), ("a group of people", "一群人")]

# Doings of anybody: -ing forms.
ACTIONS = [
    ("standing", "站着"), ("sitting on a bench", "坐在长椅上"), ("sitting on a chair", "坐在椅子上"), ("sitting on the grass", "坐在草地上"),
    ("sitting at a table", "坐在桌边"), ("lying on the grass", "躺在草地上"), ("sleeping in a bed", "在床上睡觉"), ("walking on a street", "走在街上"),
    ("walking in a park", "在公园里散步"), ("walking on a beach", "走在海滩上"), ("walking in the snow", "走在雪地里"), ("walking with a dog", "和狗一起散步"),
    ("crossing the street", "过马路"), ("running on a track", "在跑道上跑步"), ("running on a beach", "在海滩上奔跑"), ("running on grass", "在草地上奔跑"),
    ("jumping in the air", "跳到空中"), ("jumping into a pool", "跳进泳池"), ("swimming in a pool", "在泳池里游泳"), ("playing in the water", "在水里玩"),
    ("standing in the ocean", "站在海里"), ("surfing a wave", "在冲浪"), ("rowing a boat", "在划船"), ("paddling a kayak", "在划皮划艇"), ("fishing in a lake", "在湖边钓鱼"),
    ("riding a bicycle", "骑自行车"), ("riding a motorcycle", "骑摩托车"), ("riding a horse", "骑马"), ("riding a skateboard", "玩滑板"), ("riding a scooter", "骑滑板车"),
    ("skiing down a slope", "在滑雪"), ("snowboarding", "在玩单板滑雪"), ("ice skating", "在滑冰"), ("sledding in the snow", "在雪地里玩雪橇"), ("playing in the snow", "在雪地里玩"),
    ("climbing a rock wall", "在攀岩"), ("climbing a tree", "在爬树"), ("hiking on a mountain", "在山上徒步"), ("standing on top of a mountain", "站在山顶上"), ("looking at mountains", "看着群山"),
    ("camping by a tent", "在帐篷旁露营"), ("sitting by a campfire", "坐在篝火旁"), ("playing soccer", "在踢足球"), ("playing basketball", "在打篮球"), ("playing baseball", "在打棒球"), ("playing volleyball", "在打排球"),
    ("playing tennis", "在打网球"), ("playing table tennis", "在打乒乓球"), ("playing badminton", "在打羽毛球"), ("playing golf", "在打高尔夫球"), ("playing American football", "在打橄榄球"), ("playing hockey", "在打冰球"), ("playing frisbee", "在玩飞盘"), ("boxing", "在打拳击"), ("wrestling", "在摔跤"),
    ("doing yoga", "在做瑜伽"), ("doing gymnastics", "在做体操"), ("lifting weights", "在举重"), ("dancing", "在跳舞"), ("singing on a stage", "在台上唱歌"), ("playing a guitar", "在弹吉他"), ("playing a piano", "在弹钢琴"), ("playing a violin", "在拉小提琴"), ("playing drums", "在打鼓"), ("playing music on the street", "在街头演奏"),
    ("eating at a table", "在桌边吃饭"), ("eating a sandwich", "在吃三明治"), ("eating ice cream", "在吃冰淇淋"), ("eating pizza", "在吃披萨"), ("eating cake", "在吃蛋糕"), ("drinking coffee", "在喝咖啡"), ("drinking from a bottle", "用瓶子喝水"), ("cooking in a kitchen", "在厨房里做饭"), ("grilling meat", "在烤肉"), ("baking", "在烘焙"),
    ("reading a book", "在看书"), ("reading a newspaper", "在看报纸"), ("writing at a desk", "在书桌前写字"), ("using a laptop", "在用笔记本电脑"), ("looking at a phone", "在看手机"), ("talking on the phone", "在打电话"), ("taking a photo", "在拍照"), ("watching television", "在看电视"), ("playing a video game", "在玩电子游戏"), ("painting a picture", "在画画"),
    ("working in a garden", "在花园里干活"), ("working in an office", "在办公室工作"), ("shopping in a store", "在商店里购物"), ("shopping at a market", "在市场买东西"), ("waiting for a bus", "在等公共汽车"), ("waiting for a train", "在等火车"), ("driving a car", "在开车"), ("sitting in a boat", "坐在船里"), ("pushing a stroller", "推着婴儿车"),
    ("holding a baby", "抱着婴儿"), ("holding a dog", "抱着狗"), ("holding a cat", "抱着猫"), ("holding a flower", "拿着花"), ("holding an umbrella", "打着伞"), ("holding a balloon", "拿着气球"), ("holding a cup", "拿着杯子"), ("carrying a backpack", "背着背包"), ("flying a kite", "在放风筝"), ("blowing bubbles", "在吹泡泡"), ("blowing out candles", "在吹蜡烛"),
    ("throwing a ball", "在扔球"), ("kicking a ball", "在踢球"), ("catching a ball", "在接球"), ("swinging on a swing", "在荡秋千"), ("going down a slide", "在滑滑梯"), ("playing on a playground", "在游乐场玩"), ("playing with toys", "在玩玩具"), ("playing with a dog", "在和狗玩"), ("feeding birds", "在喂鸟"), ("feeding an animal", "在喂动物"),
    ("smiling", "微笑着"), ("laughing", "大笑着"), ("looking at the camera", "看着镜头"), ("posing for a picture", "摆姿势拍照"), ("hugging", "拥抱着"), ("brushing teeth", "在刷牙"), ("looking out of a window", "望着窗外"), ("standing in front of a building", "站在建筑前"), ("standing by a river", "站在河边"), ("standing under a tree", "站在树下"), ("standing in a crowd", "站在人群中"),
]

# What people wear.
WEARING = [
    ("a red shirt", "红色衬衫"), ("a blue shirt", "蓝色衬衫"), ("a white shirt", "白色衬衫"), ("a black shirt", "黑色衬衫"), ("a green shirt", "绿色衬衫"), ("a yellow shirt", "黄色衬衫"), ("a pink shirt", "粉色衬衫"), ("a striped shirt", "条纹衬衫"), ("a red jacket", "红色夹克"), ("a black jacket", "黑色夹克"), ("a blue jacket", "蓝色夹克"), ("a winter coat", "冬天的大衣"),
    ("a suit and tie", "西装和领带"), ("a uniform", "制服"), ("a costume", "演出服"), ("a helmet", "头盔"), ("a hat", "帽子"), ("a baseball cap", "棒球帽"), ("sunglasses", "太阳镜"), ("glasses", "眼镜"), ("a backpack", "背包"), ("jeans", "牛仔裤"), ("shorts", "短裤"), ("a swimsuit", "泳衣"),
]

# Of dogs above all, since people photograph them.
PETS = [("a dog", "一只狗"), ("a black dog", "一只黑狗"), ("a white dog", "一只白狗"), ("a brown dog", "一只棕色的狗"), ("a black and white dog", "一只黑白相间的狗"), ("two dogs", "两只狗")]
PET_ACTIONS = [
    ("running on grass", "在草地上奔跑"), ("running on a beach", "在海滩上奔跑"), ("running in the snow", "在雪地里奔跑"), ("running through water", "在水里奔跑"), ("swimming in water", "在水里游泳"), ("jumping in the air", "跳到空中"), ("jumping over a bar", "跳过横杆"), ("catching a frisbee", "在接飞盘"), ("carrying a stick", "叼着树枝"), ("carrying a ball", "叼着球"), ("playing with a ball", "在玩球"), ("sitting on grass", "坐在草地上"), ("sitting on a sofa", "坐在沙发上"), ("lying on the floor", "躺在地板上"), ("lying on a bed", "躺在床上"), ("sleeping", "在睡觉"), ("on a leash", "拴着绳子"), ("in a car", "在车里"), ("standing in the snow", "站在雪地里"), ("looking at the camera", "看着镜头"), ("racing on a track", "在赛道上比赛"),
]
CATS = [("a cat", "一只猫"), ("a black cat", "一只黑猫"), ("a white cat", "一只白猫"), ("an orange cat", "一只橘猫"), ("a gray cat", "一只灰猫"), ("a striped cat", "一只虎斑猫")]
CAT_ACTIONS = [
    ("lying on a bed", "躺在床上"), ("lying on a sofa", "躺在沙发上"), ("sleeping", "在睡觉"), ("sitting on a chair", "坐在椅子上"), ("sitting on a table", "坐在桌子上"), ("sitting by a window", "坐在窗边"), ("sitting in a box", "坐在纸箱里"), ("on a laptop", "趴在笔记本电脑上"), ("playing with a toy", "在玩玩具"), ("looking at the camera", "看着镜头"), ("in the grass", "在草丛里"), ("on a roof", "在屋顶上"),
]

# Other animals and things where they are seen.
SIGHTS = """
a horse running in a field|一匹马在田野里奔跑; a horse eating grass|一匹马在吃草; two horses in a field|田野里的两匹马; a herd of horses|一群马; a cow standing in a field|一头奶牛站在田野里; cows eating grass|奶牛在吃草; a herd of cattle|一群牛; sheep in a green field|绿色田野里的绵羊; a flock of sheep|一群羊; an elephant walking in grass|一头大象走在草地上; a herd of elephants|一群大象; a baby elephant with its mother|小象和象妈妈; an elephant by the water|水边的大象; a giraffe eating leaves|一只长颈鹿在吃树叶; two giraffes standing together|两只长颈鹿站在一起; zebras on a grassland|草原上的斑马; two zebras eating grass|两匹斑马在吃草; a lion lying in the grass|一头狮子躺在草丛里; a tiger walking|一只老虎在走路; a bear in the water|水里的熊; a bear in the forest|森林里的熊; two bears playing|两头熊在玩耍; a polar bear on the ice|冰上的北极熊; a panda eating bamboo|大熊猫在吃竹子; a monkey on a tree|树上的猴子; a squirrel on a branch|树枝上的松鼠; a deer in the forest|森林里的鹿; a bird on a branch|树枝上的鸟; a bird flying in the sky|天上飞的鸟; a flock of birds in the sky|天上的一群鸟; birds on a wire|电线上的鸟; a bird standing in water|站在水里的鸟; a seagull on a beach|海滩上的海鸥; ducks swimming in a pond|鸭子在池塘里游泳; a swan on a lake|湖上的天鹅; a bird eating seeds|鸟在吃谷子; an owl on a branch|树枝上的猫头鹰; an eagle flying|飞翔的老鹰; penguins on the ice|冰上的企鹅; flamingos in water|水里的火烈鸟; a colorful parrot|一只彩色的鹦鹉; a peacock showing its feathers|开屏的孔雀; a rooster and hens|公鸡和母鸡; fish swimming in water|在水里游的鱼; fish in an aquarium|水族箱里的鱼; a dolphin jumping out of the water|跃出水面的海豚; a whale in the ocean|海里的鲸; a butterfly on a flower|花上的蝴蝶; a bee on a flower|花上的蜜蜂; a spider in its web|网上的蜘蛛; a snake on the ground|地上的蛇; a frog on a leaf|叶子上的青蛙; a turtle swimming in the sea|在海里游的海龟;
a car on a street|街上的汽车; cars in a traffic jam|堵车的汽车; a car parked by the road|停在路边的汽车; cars in a parking lot|停车场里的汽车; a race car on a track|赛道上的赛车; a car driving in the rain|雨中行驶的汽车; a bus on a city street|城市街道上的公共汽车; a red double-decker bus|一辆红色双层巴士; a truck on a highway|高速公路上的卡车; a motorcycle parked on the street|停在街上的摩托车; a row of motorcycles|一排摩托车; a bicycle leaning against a wall|靠墙的自行车; bicycles parked in a row|停成一排的自行车; a train at a station|车站里的火车; a train on the tracks|铁轨上的火车; a train crossing a bridge|过桥的火车; people on a train platform|站台上的人; an airplane flying in the sky|在天上飞的飞机; an airplane on a runway|跑道上的飞机; an airplane taking off|正在起飞的飞机; airplanes at an airport|机场里的飞机; jets flying in formation|编队飞行的战机; a helicopter in the air|空中的直升机; a boat on a lake|湖上的船; boats in a harbor|港口里的船; a sailboat on the sea|海上的帆船; a ship on the ocean|大海上的轮船; a boat on the beach|海滩上的船; hot air balloons in the sky|天上的热气球; a rocket being launched|正在发射的火箭; a tractor in a field|田里的拖拉机; a horse pulling a carriage|拉车的马;
a bathroom with a toilet and a sink|有马桶和洗手池的浴室; a bathroom with a bathtub|有浴缸的浴室; a white toilet in a bathroom|浴室里的白色马桶; a kitchen with a stove and a refrigerator|有炉灶和冰箱的厨房; a kitchen with wooden cabinets|有木橱柜的厨房; a modern kitchen|现代厨房; a kitchen counter with food|放着食物的厨房台面; a living room with a sofa|有沙发的客厅; a living room with a television|有电视的客厅; a bedroom with a large bed|有大床的卧室; a bed with pillows|放着枕头的床; a dining room with a table and chairs|有餐桌椅的餐厅; a table with plates of food|摆着饭菜的桌子; a table set for dinner|摆好晚餐的桌子; an office with desks and computers|有桌子和电脑的办公室; a desk with a computer|放着电脑的书桌; a desk with a laptop and a cup|放着笔记本电脑和杯子的书桌; a room full of books|满是书的房间; a classroom with students|坐着学生的教室; people in a meeting|开会的人; a person giving a talk|在演讲的人; an audience watching a show|看演出的观众; a band playing on a stage|在台上演奏的乐队; a concert with bright lights|灯光明亮的音乐会; people dancing at a party|在聚会上跳舞的人; a crowd of people on a street|街上的人群; a parade on a street|街上的游行; people at a market|市场里的人; a fruit stand at a market|市场上的水果摊; vegetables at a market|市场上的蔬菜; a shop window|商店橱窗; people sitting in a restaurant|坐在餐馆里的人; friends sitting around a table|围坐在桌边的朋友; a family posing for a photo|拍全家福的一家人; a mother with her child|母亲和孩子; a father with his child|父亲和孩子; an old man with a beard|有胡子的老人; an old woman|一位老奶奶; a bride and groom|新娘和新郎; a wedding ceremony|婚礼仪式; a couple kissing|接吻的情侣; a couple holding hands|手牵手的情侣; a sleeping baby|熟睡的婴儿; a baby with a toy|拿玩具的婴儿; a smiling baby|微笑的婴儿; children playing together|一起玩的孩子们; children in a school|学校里的孩子们; a football player with the ball|带球的橄榄球运动员; a football game|橄榄球比赛; a soccer game|足球比赛; a soccer player kicking the ball|踢球的足球运动员; a basketball player jumping|跳起的篮球运动员; a basketball game|篮球比赛; a baseball player swinging a bat|挥棒的棒球运动员; a baseball pitcher throwing the ball|投球的投手; a tennis player hitting the ball|击球的网球运动员; a hockey game|冰球比赛; a cyclist in a race|比赛中的自行车手; runners in a race|比赛中的跑步者; a motorcycle race|摩托车赛; a motocross rider in the air|飞在空中的越野摩托车手; a skateboarder doing a trick|做动作的滑板手; a skier in the air|空中的滑雪者; a surfer riding a big wave|驾驭大浪的冲浪者; a swimmer in a race|比赛中的游泳者; a rock climber on a cliff|悬崖上的攀岩者; a gymnast on a beam|平衡木上的体操运动员; a martial arts fight|武术对打; a rodeo rider|牛仔竞技骑手; a firefighter at work|工作中的消防员; a police officer|一名警察; a soldier in uniform|穿军装的士兵; a doctor with a patient|医生和病人; a nurse|一名护士; a chef in a kitchen|厨房里的厨师; a waiter with a tray|端盘子的服务员; a construction worker|建筑工人; a farmer in a field|田里的农民; a teacher in a classroom|教室里的老师; a street musician|街头音乐家; a person in a costume|穿演出服的人; a face of a person|一张人脸; a portrait of a woman|女人的肖像; a portrait of a man|男人的肖像; a close-up of an eye|眼睛的特写; a person's hand|一只手; a person's foot|一只脚; people sitting on the steps|坐在台阶上的人; people walking in a city|走在城市里的人; people under umbrellas in the rain|雨中打伞的人; people swimming in the sea|在海里游泳的人; people on a beach|海滩上的人; people having a picnic|野餐的人; people in a boat|船里的人; people on a roller coaster|坐过山车的人; people skiing on a mountain|在山上滑雪的人; people around a fire|围着火的人; people riding horses|骑马的人; people riding bicycles|骑自行车的人;
a city street at night|夜晚的城市街道; a city skyline|城市天际线; a city skyline at night|夜晚的城市天际线; tall buildings in a city|城市里的高楼; an empty street|空荡的街道; a street with shops|有商店的街道; a street in an old town|老城的街道; a narrow street with old houses|有老房子的窄街; a village in the mountains|山里的村庄; a house with a garden|带花园的房子; a house in the snow|雪中的房子; houses by the water|水边的房子; a castle on a hill|山上的城堡; a church with a tall tower|有高塔的教堂; a temple with a red roof|红顶的寺庙; an Asian temple|亚洲寺庙; an ancient Greek temple|古希腊神庙; the ruins of an old building|老建筑的废墟; a lighthouse by the sea|海边的灯塔; a windmill in a field|田野里的风车; a bridge over a river|河上的桥; a bridge at night|夜晚的桥; a clock on a building|建筑上的钟; a statue in a park|公园里的雕像; a statue of a person|人物雕像; a statue of a lion|狮子雕像; a fountain in a square|广场上的喷泉; a bench in a park|公园里的长椅; a path through a forest|穿过森林的小路; a road through the mountains|穿过山间的路; a road in the desert|沙漠里的路; trees in autumn|秋天的树; trees covered in snow|盖着雪的树; a tree in a field|田野里的树; sunlight through the trees|穿过树林的阳光; a field of flowers|一片花海; a field of yellow flowers|一片黄花; a green field under a blue sky|蓝天下的绿色田野; a mountain with snow|雪山; mountains and a lake|山与湖; a lake with reflections|有倒影的湖; a river in a forest|森林里的河; a waterfall in a forest|森林里的瀑布; waves on a beach|海滩上的浪; waves on rocks|拍打岩石的浪; a beach with palm trees|有棕榈树的海滩; a beach with umbrellas|有遮阳伞的海滩; a sunset over the sea|海上日落; a sunset behind mountains|山后的日落; a sunset over a city|城市日落; a cloudy sky over the sea|海上多云的天空; dark storm clouds|乌云; lightning in the night sky|夜空中的闪电; stars in the night sky|夜空中的星星; the moon in the night sky|夜空中的月亮; the earth from space|从太空看地球; the surface of the moon|月球表面; a snowy landscape|雪景; a snowy street|积雪的街道; a foggy forest|雾中的森林; rain on a window|窗上的雨; a frozen lake|结冰的湖; an aerial view of a city|城市的鸟瞰; an aerial view of fields|田野的鸟瞰; the inside of a church|教堂内部; the inside of a train|火车内部; the inside of a car|汽车内部; a swimming pool by a hotel|酒店旁的泳池; fireworks over a city|城市上空的烟花; a Christmas tree with lights|挂着彩灯的圣诞树; a Ferris wheel|摩天轮; a roller coaster|过山车; a merry-go-round|旋转木马; graffiti on a wall|墙上的涂鸦; a sign on a wall|墙上的标牌; a street sign|路牌; a traffic light on a pole|杆上的红绿灯; a red stop sign|红色停车标志; a fire hydrant on the sidewalk|人行道上的消防栓; a red fire hydrant|红色消防栓; a plate with meat and vegetables|有肉和蔬菜的盘子; a sandwich on a plate|盘子里的三明治; a pizza with cheese and tomatoes|有奶酪和番茄的披萨; a bowl of fruit|一碗水果; a bunch of bananas|一把香蕉; a basket of apples|一篮苹果; a cake with candles|插着蜡烛的蛋糕; cakes in a shop|店里的蛋糕; donuts in a box|盒子里的甜甜圈; a cup of coffee and a cake|咖啡和蛋糕; food on a grill|烤架上的食物; broccoli and carrots|西兰花和胡萝卜; flowers in a vase|花瓶里的花; a vase on a table|桌上的花瓶; pink flowers|粉色的花; white flowers|白色的花; yellow flowers|黄色的花; purple flowers|紫色的花; red flowers|红色的花; blue flowers|蓝色的花; a flower with drops of water|带水珠的花; a teddy bear on a bed|床上的泰迪熊; stuffed toys on a shelf|架子上的毛绒玩具; toys on the floor|地上的玩具; books on a shelf|书架上的书; a pair of scissors on a table|桌上的剪刀; a cell phone on a table|桌上的手机; a television on a stand|架子上的电视; a computer keyboard and a mouse|键盘和鼠标; a suitcase on the floor|地上的行李箱; luggage at an airport|机场的行李; kites in the sky|天上的风筝; kites on a beach|海滩上的风筝; surfboards on a beach|海滩上的冲浪板; umbrellas on a beach|海滩上的伞; a colorful umbrella|彩色的伞; clothes on hangers|挂着的衣服; shoes on the floor|地上的鞋; jewelry on a table|桌上的首饰; money on a table|桌上的钱; a black and white photograph|一张黑白照片; a blurry photograph|一张模糊的照片; a page of text|一页文字; a screenshot of a computer|电脑截图; a diagram|一张示意图; a chart|一张图表; a logo|一个标志; a cartoon|一幅漫画; a cartoon animal|一只卡通动物; a cartoon person|一个卡通人物; a drawing of an animal|一幅动物的画; a drawing of a bird|一幅鸟的画; a drawing of a fish|一幅鱼的画; a drawing of a person|一幅人物画; a drawing of a face|一幅人脸画; a drawing of a flower|一幅花的画; a drawing of a tree|一幅树的画; a drawing of a house|一幅房子的画; a drawing of a car|一幅汽车的画; a drawing of food|一幅食物的画; a black and white drawing|一幅黑白画; a child's drawing|一幅儿童画; a silhouette|一个剪影; an icon|一个图标; a symbol|一个符号; a black letter|一个黑色字母; a word|一个单词; a dark room|一间昏暗的房间; a white background|白色背景; an old painting|一幅古画; an abstract painting|一幅抽象画; a pattern of colors|彩色图案; a wooden surface|木头表面; a metal surface|金属表面; a stone surface|石头表面; a brick surface|砖面; a piece of fabric|一块布
"""

COLOURS = [("red", "红色"), ("blue", "蓝色"), ("green", "绿色"), ("yellow", "黄色"), ("white", "白色"), ("black", "黑色"), ("pink", "粉色"), ("brown", "棕色"), ("gray", "灰色"), ("purple", "紫色"), ("orange", "橙色")]
COLOURED = """
car 辆汽车; bus 辆公共汽车; truck 辆卡车; bicycle 辆自行车; motorcycle 辆摩托车; train 列火车; boat 条船; airplane 架飞机; chair 把椅子; sofa 张沙发; lamp 盏灯; door 扇门; house 座房子; umbrella 把雨伞; cup 个杯子; bottle 个瓶子; vase 个花瓶; ball 个球; balloon 个气球; t-shirt 件T恤; shirt 件衬衫; sweater 件毛衣; hoodie 件连帽衫; jacket 件夹克; coat 件大衣; dress 条连衣裙; skirt 条裙子; hat 顶帽子; cap 顶鸭舌帽; scarf 条围巾; tie 条领带; *shoes 双鞋; *sneakers 双运动鞋; *boots 双靴子; *sandals 双凉鞋; *trousers 条长裤; *shorts 条短裤; bag 个包; handbag 个手提包; backpack 个背包; watch 块手表; flower 朵花; rose 朵玫瑰; tulip 朵郁金香; bird 只鸟; butterfly 只蝴蝶; fish 条鱼; dog 只狗; cat 只猫; horse 匹马; flag 面旗; book 本书; box 个盒子; pillow 个枕头; towel 条毛巾; candle 根蜡烛; square 个正方形; circle 个圆; star 颗星; heart 颗心
"""
MATERIALS = [
    ("wooden", "木头", "table 张桌子; chair 把椅子; bench 条长椅; box 个箱子; bowl 个碗; spoon 把勺子; door 扇门; fence 道篱笆; house 座房子; bridge 座桥; boat 条船; toy 个玩具; floor 块地板; wall 面墙; statue 座雕像"),
    ("metal", "金属", "chair 把椅子; fence 道栅栏; box 个箱子; bucket 个桶; cup 个杯子; bridge 座桥; gate 座大门; sculpture 座雕塑; tool 件工具; lamp 盏灯"),
    ("glass", "玻璃", "bottle 个瓶子; jar 个罐子; bowl 个碗; vase 个花瓶; door 扇门; table 张桌子; building 座建筑; ball 个球"),
    ("plastic", "塑料", "bottle 个瓶子; chair 把椅子; toy 个玩具; bag 个袋子; box 个盒子; cup 个杯子; bucket 个桶"),
    ("leather", "皮", "jacket 件夹克; bag 个包; sofa 张沙发; belt 条腰带; wallet 个钱包; *shoes 双鞋; *boots 双靴子; *gloves 双手套; watch strap 条表带"),
    ("stone", "石头", "wall 面墙; house 座房子; bridge 座桥; statue 座雕像; tower 座塔; *steps 段台阶"),
    ("gold", "金", "ring 枚戒指; necklace 条项链; watch 块表; coin 枚硬币; crown 顶王冠; statue 座雕像; medal 枚奖牌"),
    ("silver", "银", "ring 枚戒指; necklace 条项链; bracelet 条手链; coin 枚硬币; spoon 把勺子; teapot 个茶壶"),
    ("paper", "纸", "bag 个袋子; cup 个杯子; box 个盒子; airplane 架飞机; flower 朵花; lantern 个灯笼"),
    ("knitted", "针织", "sweater 件毛衣; scarf 条围巾; hat 顶帽子; *gloves 双手套; *socks 双袜子; blanket 条毯子"),
    ("floral", "碎花", "dress 条连衣裙; skirt 条裙子; shirt 件衬衫; pillow 个枕头; curtain 幅窗帘"),
    ("striped", "条纹", "t-shirt 件T恤; shirt 件衬衫; sweater 件毛衣; dress 条连衣裙; tie 条领带; *socks 双袜子; towel 条毛巾"),
    ("checked", "格子", "shirt 件衬衫; skirt 条裙子; jacket 件夹克; scarf 条围巾; tablecloth 块桌布"),
    ("ceramic", "陶瓷", "vase 个花瓶; bowl 个碗; cup 个杯子; plate 个盘子; teapot 个茶壶; figurine 个小雕像"),
]
MANY = """
dogs|几只狗; cats|几只猫; horses|几匹马; cows|几头牛; birds|几只鸟; ducks|几只鸭子; fish|几条鱼; elephants|几头大象; bears|几头熊; monkeys|几只猴子; butterflies|几只蝴蝶; flowers|几朵花; roses|几朵玫瑰; tulips|几朵郁金香; trees|几棵树; leaves|几片叶子; apples|几个苹果; oranges|几个橙子; lemons|几个柠檬; eggs|几个鸡蛋; bottles|几个瓶子; cups|几个杯子; plates|几个盘子; books|几本书; pencils|几支铅笔; candles|几根蜡烛; balls|几个球; toys|几个玩具; cars|几辆汽车; bicycles|几辆自行车; boats|几条船; airplanes|几架飞机; houses|几座房子; buildings|几座建筑; people|几个人; children|几个孩子; women|几个女人; men|几个男人; chairs|几把椅子; stones|几块石头; shells|几个贝壳; keys|几把钥匙; stars|几颗星; hearts|几颗心
"""
